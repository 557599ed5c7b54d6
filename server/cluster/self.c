/* A member from inside: its channel, its messages, how it leaves. */
#include "server/cluster/self.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/shm.h"
#include "server/cluster/frames.h"
#include "server/cluster/inspect.h"
#include "server/cluster/listening.h"
#include "server/cluster/role.h"
#include "server/cluster/served.h"
#include "server/cluster/text.h"

static struct coh_cluster_self *current;

struct cohort_self *
cohort_self_current(void)
{
    return current != NULL ? &current->self : NULL;
}

void
coh_self_turn(struct coh_cluster_self *self)
{
    event_active(&self->turn, EV_TIMEOUT, 1);
}

/* --- signs of life -------------------------------------------------------- */

/* Not before the loop runs: what a program does between making a worker and
   running it is its own business. */
static void
begin_pulse(struct coh_cluster_self *self)
{
    if (self->self.beat.pulse == NULL && self->watchdog_ms > 0 &&
        self->state != COH_SELF_HUNG_UP &&
        coh_pulse_begin(
            &self->self.beat, &self->words->pulse, &self->self.loop,
            self->watchdog_ms) < 0) {
        cohort_alert(self->self.log, "no watchdog for this worker: no memory");
    }
}

/* --- leaving -------------------------------------------------------------- */

static void
close_line(struct coh_cluster_self *self)
{
    event_del(&self->farewell);
    coh_pulse_end(&self->self.beat);
    self->codec->close(self);
    self->state = COH_SELF_HUNG_UP;
    coh_asked_give_up(&self->asked);
    coh_outbox_end(&self->outbox);
    coh_self_turn(self);
}

/* Whoever comes while the rest is written would be cut off when that is
   done. */
static void
hang_up(struct coh_cluster_self *self)
{
    if (self->state >= COH_SELF_PARTING) {
        return;
    }
    self->state = COH_SELF_PARTING;
    if (self->codec->flush(self)) {
        close_line(self);
        return;
    }
    coh_event_add_ms(&self->farewell, COH_CLUSTER_FAREWELL_MS);
    coh_listenings_close(self);
}

/* When the primary has closed it, that is told by reading, behind its last
   words. */
void
coh_self_must_be_heard(struct coh_cluster_self *self, int result)
{
    if (result < 0 && result != -EPIPE) {
        cohort_error(
            self->self.log,
            "closing the channel: the primary cannot be told what it must "
            "know: %s",
            strerror(-result));
        close_line(self);
    }
}

void
coh_self_parted(struct coh_cluster_self *self)
{
    if (self->state == COH_SELF_PARTING) {
        close_line(self);
    }
}

static void
on_farewell(evutil_socket_t fd, short what, void *user)
{
    struct coh_cluster_self *self = user;

    (void)fd;
    (void)what;
    cohort_warn(
        self->self.log,
        "closing the channel: the primary does not read what was sent before");
    coh_self_parted(self);
}

/* Nothing is open any more. */
static void
go_on_leaving(struct coh_cluster_self *self)
{
    if (self->state != COH_SELF_CLOSING || self->listening_count > 0 ||
        !coh_served_is_idle(self)) {
        return;
    }
    if (!self->is_own_wish) {
        hang_up(self);
        return;
    }
    self->state = COH_SELF_ANNOUNCED;
    if (self->codec->announce(self, false) < 0) {
        hang_up(self);
    }
}

__attribute__((noreturn)) static void
end_process(struct coh_cluster_self *self)
{
    coh_served_stop(self);
    exit(EXIT_SUCCESS);
}

static void
tell_disconnection(struct coh_cluster_self *self)
{
    if (self->is_told) {
        return;
    }
    coh_outbox_call(&self->outbox); /* the process may end before its turn */
    self->is_told = true;
    if (self->events->on_disconnect != NULL) {
        self->events->on_disconnect(&self->self, self->user);
    }
    if (self->is_kill) {
        end_process(self);
    }
}

static void
close_all(struct coh_cluster_self *self)
{
    coh_listenings_close(self);
    coh_served_drain(self);
}

static void
on_turn(evutil_socket_t fd, short what, void *user)
{
    struct coh_cluster_self *self = user;

    (void)fd;
    (void)what;
    begin_pulse(self);
    coh_listenings_turn(self);
    go_on_leaving(self);
    if (self->state == COH_SELF_HUNG_UP) {
        tell_disconnection(self);
        if (!self->is_voluntary) {
            end_process(self);
        }
        if (self->is_running && self->listening_count == 0 &&
            coh_served_is_idle(self)) {
            coh_loop_stop(&self->self.loop);
        }
    }
}

void
coh_self_leave(struct coh_cluster_self *self)
{
    if (self->state != COH_SELF_STAYING) {
        return;
    }
    self->state = COH_SELF_CLOSING;
    self->is_voluntary = true;
    close_all(self);
    if (self->events->on_leave != NULL) {
        self->events->on_leave(&self->self, self->user);
    }
    coh_self_turn(self);
}

void
coh_self_allowed(struct coh_cluster_self *self)
{
    hang_up(self);
}

void
coh_self_lost(struct coh_cluster_self *self)
{
    close_line(self);
    if (!self->is_voluntary) {
        tell_disconnection(self);
        end_process(self); /* as Node's: nobody would stop it any more */
    }
}

void
cohort_self_disconnect(struct cohort_self *base)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);

    if (base->is_member && self->state == COH_SELF_STAYING) {
        self->state = COH_SELF_CLOSING;
        self->is_voluntary = true;
        self->is_own_wish = true;
        close_all(self);
        coh_self_turn(self);
    }
}

void
cohort_self_kill(struct cohort_self *base)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);

    if (!base->is_member) {
        return;
    }
    if (self->state == COH_SELF_HUNG_UP && self->is_told) {
        end_process(self);
    }
    self->is_kill = true; /* HUNG_UP: when that has been told */
    self->is_voluntary = true;
    self->is_own_wish = true;
    if (self->state < COH_SELF_ANNOUNCED) {
        self->state = COH_SELF_ANNOUNCED;
        if (self->codec->announce(self, true) < 0) {
            hang_up(self);
        }
    }
}

void
cohort_self_hang_up(struct cohort_self *base)
{
    if (base->is_member) {
        hang_up(coh_cluster_self_of(base));
    }
}

/* --- messages ------------------------------------------------------------- */

static bool
is_alone(const struct cohort_send *options)
{
    return options == NULL || (options->fd <= 0 && options->on_sent == NULL);
}

void
coh_self_message(struct coh_cluster_self *self, struct cohort_str text, int *fd)
{
    struct cohort_message message = {
        .data = text.data,
        .size = text.size,
        .fd = *fd,
    };

    if (self->events->on_message != NULL && self->state < COH_SELF_PARTING) {
        self->events->on_message(&self->self, &message, self->user);
        *fd = message.fd;
    }
}

int
cohort_self_send_with(
    struct cohort_self *base, const void *data, size_t size,
    const struct cohort_send *options)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    struct cohort_str message = cohort_str_n(data, size);
    int fd = options != NULL && options->fd > 0 ? options->fd : -1;
    uint64_t mark = 0;
    int result;

    if (!base->is_member) {
        return is_alone(options) ? coh_self_tell(base, message) : -EINVAL;
    }
    result = coh_message_check(self->serialization, message);
    if (result == 0 && self->state >= COH_SELF_PARTING) {
        result = -EPIPE;
    }
    if (result == 0) {
        result = self->codec->send(self, message, fd, &mark);
    }
    if (result < 0) {
        return result;
    }
    if (fd >= 0 && !options->keep_open) {
        close(fd);
    }
    if (options != NULL && options->on_sent != NULL) {
        coh_outbox_add(&self->outbox, mark, options->on_sent, options->user);
    }
    return result;
}

int
cohort_self_send(struct cohort_self *self, const void *data, size_t size)
{
    return cohort_self_send_with(self, data, size, NULL);
}

/* --- properties ----------------------------------------------------------- */

bool
cohort_self_is_connected(const struct cohort_self *base)
{
    const struct coh_cluster_self *self = (const struct coh_cluster_self *)base;

    return base->is_member ? self->state < COH_SELF_PARTING
                           : base->channel != NULL && base->channel->fd >= 0;
}

bool
cohort_self_is_leaving(const struct cohort_self *base)
{
    const struct coh_cluster_self *self = (const struct coh_cluster_self *)base;

    return base->is_member ? self->is_voluntary : base->is_draining;
}

/* --- life ----------------------------------------------------------------- */

static int
init(struct coh_cluster_self *self, struct event_base *base)
{
    struct coh_role *role = coh_role();
    int result = 0;
    int fd = role->channel;

    if (base != NULL) {
        coh_loop_adopt(&self->self.loop, base, NULL);
    } else {
        result = coh_loop_init(&self->self.loop, NULL);
    }
    if (result < 0) {
        return result;
    }
    event_assign(&self->turn, self->self.loop.base, -1, 0, on_turn, self);
    event_assign(
        &self->farewell, self->self.loop.base, -1, 0, on_farewell, self);
    coh_outbox_init(&self->outbox, &self->self.loop);
    role->channel = -1;
    return self->codec->open(self, fd);
}

struct cohort_self *
cohort_self_new(
    struct event_base *base, const struct cohort_self_events *events,
    void *user)
{
    static const struct cohort_self_events nothing;
    const struct coh_role *role = coh_role();
    struct coh_cluster_self *self;
    int result;

    if (!role->is_worker || role->channel < 0) {
        errno = role->is_worker ? EEXIST : EPERM;
        return NULL;
    }
    self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    self->self.id = role->worker_id;
    self->self.is_member = true;
    self->self.log = coh_log_stderr();
    self->serialization = COHORT_SERIALIZATION_JSON;
    self->events = events != NULL ? events : &nothing;
    self->user = user;
    self->codec = role->is_node ? &coh_self_node : &coh_self_native;
    TAILQ_INIT(&self->listenings);
    result = init(self, base);
    if (result < 0) {
        self->state = COH_SELF_HUNG_UP;
        cohort_self_free(&self->self);
        errno = -result;
        return NULL;
    }
    current = self;
    coh_self_turn(self); /* the loop's first */
    return &self->self;
}

void
cohort_self_free(struct cohort_self *base)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);

    if (self == NULL || !base->is_member) {
        return;
    }
    if (current == self) {
        current = NULL;
    }
    if (self->self.loop.base != NULL) {
        coh_inspect_close(self);
        coh_served_stop(self);
        coh_listenings_free(self);
        if (self->state != COH_SELF_HUNG_UP) {
            self->codec->flush(self);
            close_line(self);
        }
        event_del(&self->turn);
        coh_outbox_fini(&self->outbox);
        coh_loop_fini(&self->self.loop);
    }
    coh_asked_fini(&self->asked);
    if (self->words != NULL) {
        coh_shm_unmap(self->words, sizeof(*self->words));
    }
    free(self);
}

int
cohort_self_run(struct cohort_self *base)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    int result;

    if (!base->is_member) {
        return EXIT_FAILURE;
    }
    self->is_running = true;
    coh_self_turn(self);
    if (base->loop.is_adopted) {
        result = event_base_loop(base->loop.base, EVLOOP_NO_EXIT_ON_EMPTY) < 0
            ? -EIO
            : 0;
    } else {
        result = coh_loop_run(&base->loop);
    }
    self->is_running = false;
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
