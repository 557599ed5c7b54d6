/* The service of a member: loaded, started, given connections, drained. */
#include "server/cluster/served.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "core/hash.h"
#include "core/socket.h"
#include "server/cluster/listening.h"
#include "server/cluster/self.h"
#include "server/process/load.h"
#include "server/process/opened.h"

struct coh_served {
    struct coh_served_program program;
    struct coh_cluster_self *self;
    struct cohort_load load;
    struct coh_opened opened;
    struct coh_slot *slot;
};

/* --- connections ----------------------------------------------------------
 *
 * A service counts its connections for the whole worker. So each of its
 * listenings has the count of all: least_conn compares workers, and the limit
 * is the worker's.
 */

static void on_connection(
    struct cohort_listening *listening, int fd, void *user);

static bool
is_served(const struct cohort_listening *listening)
{
    return listening->settings.on_connection == on_connection;
}

/* One more in all but the one that has counted it; NULL: in all. */
static void
count_up(struct coh_cluster_self *self, const struct cohort_listening *counted)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (is_served(listening) && listening != counted) {
            atomic_fetch_add(&listening->intake.words->open_count, 1);
        }
    }
}

static void
on_connection_closed(struct cohort_self *base)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (is_served(listening) &&
            coh_intake_open_count(&listening->intake) > 0) {
            cohort_connection_closed(listening);
        }
    }
}

static void
on_connection(struct cohort_listening *listening, int fd, void *user)
{
    struct coh_cluster_self *self = listening->self;
    const struct cohort_listener *listener = user;
    struct coh_served *served = self->served;

    count_up(self, listening);
    served->program.service->connection(served->load.state, fd, listener->user);
}

static size_t
reclaim(void *state, size_t count)
{
    struct cohort_listening *listening = state;
    struct coh_served *served = listening->self->served;

    return served->program.service->reclaim(served->load.state, count);
}

int
cohort_self_serve_connection(struct cohort_self *base, int fd)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    struct coh_served *served = base->is_member ? self->served : NULL;
    int result = served == NULL || !base->is_started
        ? -ENOTCONN
        : coh_fd_set_nonblocking(fd, true);

    if (result < 0) {
        close(fd);
        return result;
    }
    count_up(self, NULL);
    served->program.service->connection(
        served->load.state, fd,
        served->load.listener_count > 0 ? served->load.listeners[0].user
                                        : NULL);
    return 0;
}

/* --- addresses ------------------------------------------------------------ */

static void
on_listening(
    struct cohort_listening *listening, int error, const char *why, void *user)
{
    struct coh_cluster_self *self = listening->self;

    (void)user;
    if (error < 0) {
        cohort_emerg(self->self.log, "%s", why);
        coh_served_stop(self);
        exit(EXIT_FAILURE);
    }
}

static int
listen_at(struct coh_served *served, struct cohort_listener *listener)
{
    const struct cohort_service *service = served->program.service;
    const struct cohort_listen_settings settings = {
        .socket = listener->options,
        .connection_max = served->load.settings->worker_connections,
        .on_listening = on_listening,
        .on_connection = on_connection,
        .user = listener,
    };
    struct coh_query query = {
        .address = listener->address,
        .fd = -1,
        .has_host = true,
        .options = listener->options,
    };
    struct cohort_listening *listening;
    int result;

    if (served->load.settings->policy == COHORT_POLICY_DEFAULT) {
        query.options.policy = COHORT_POLICY_DEFAULT; /* the primary's */
    }
    result = coh_listening_ask(served->self, &settings, &query, &listening);
    if (result == 0 && service->reclaim != NULL) {
        listening->intake.reclaim = reclaim;
    }
    return result;
}

static int
listen_all(struct coh_served *served)
{
    struct cohort_load *load = &served->load;
    int result = 0;

    for (size_t i = 0; result == 0 && i < load->listener_count; i++) {
        result = listen_at(served, &load->listeners[i]);
    }
    if (result < 0) {
        cohort_error(
            served->self->self.log, "cannot ask the primary to listen: %s",
            strerror(-result));
    }
    return result;
}

/* --- life ----------------------------------------------------------------- */

static void
on_departure(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_self_turn(user);
}

/* worker_shutdown_timeout is over. */
static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct coh_cluster_self *self = user;

    (void)fd;
    (void)what;
    coh_served_stop(self);
    coh_self_turn(self);
}

/* The primary is asked for sockets; files are opened here. */
static int
open_files(struct coh_served *served)
{
    size_t listener_count = served->load.listener_count;
    int result;

    served->load.listener_count = 0;
    result = coh_opened_init(&served->opened, &served->load, false);
    served->load.listener_count = listener_count;
    return result;
}

static int
start(struct coh_served *served)
{
    struct cohort_self *base = &served->self->self;
    struct cohort_load *load = &served->load;
    int result;

    coh_hash_init();
    result = coh_load_run(
        load, &served->program.options, served->program.service, false);
    if (result == 0) {
        result = open_files(served);
    }
    if (result < 0) {
        return result;
    }
    base->load = load;
    base->slot = served->slot;
    base->log = cohort_settings_log(load->conf.settings);
    base->connection_closed = on_connection_closed;
    event_assign(
        &base->departure, base->loop.base, -1, 0, on_departure, served->self);
    event_assign(
        &base->deadline, base->loop.base, -1, 0, on_deadline, served->self);
    result = served->program.service->start(base, load->state);
    if (result < 0) {
        return result;
    }
    base->is_started = true;
    load->has_state = false; /* stop() frees it from now on */
    return served->program.is_passive ? 0 : listen_all(served);
}

int
coh_served_start(
    struct cohort_self *base, const struct coh_served_program *program)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    struct coh_served *served;
    int result;

    if (self->served != NULL) {
        program->release(program->owner);
        return -EALREADY;
    }
    served = calloc(1, sizeof(*served));
    if (served == NULL) {
        program->release(program->owner);
        return -ENOMEM;
    }
    served->program = *program;
    served->self = self;
    served->load.tell = coh_load_tell_stderr;
    served->slot = aligned_alloc(COH_SLOT_ALIGN, sizeof(*served->slot));
    if (served->slot != NULL) {
        memset(served->slot, 0, sizeof(*served->slot));
    }
    self->served = served;
    result = served->slot == NULL ? -ENOMEM : start(served);
    if (result < 0) {
        coh_served_stop(self);
    }
    return result;
}

void
coh_served_drain(struct coh_cluster_self *self)
{
    struct cohort_self *base = &self->self;
    uint64_t limit_ms;

    if (!base->is_started || base->is_draining) {
        return;
    }
    base->is_draining = true;
    limit_ms = base->load->settings->shutdown_timeout_ms;
    if (limit_ms > 0) {
        coh_event_add_ms(&base->deadline, limit_ms);
    }
    base->load->service->drain(base->load->state);
}

bool
coh_served_is_idle(const struct coh_cluster_self *self)
{
    return !self->self.is_started || self->self.is_idle;
}

void
coh_served_stop(struct coh_cluster_self *self)
{
    struct coh_served *served = self->served;
    struct cohort_self *base = &self->self;

    if (served == NULL) {
        return;
    }
    if (base->is_started) {
        base->is_started = false;
        served->program.service->stop(served->load.state);
    }
    if (base->load != NULL) {
        event_del(&base->departure);
        event_del(&base->deadline);
    }
    base->log = coh_log_stderr();
    base->load = NULL;
    base->slot = NULL;
    self->served = NULL;
    coh_opened_fini(&served->opened, &served->load);
    coh_load_free(&served->load);
    free(served->slot);
    served->program.release(served->program.owner);
    free(served);
}
