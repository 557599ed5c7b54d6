/* Serving, draining and leaving, as workers and the single process do it. */
#include "server/process/self.h"

#include <errno.h>
#include <string.h>

#include <cohort/cluster.h>

#include "core/event.h"
#include "core/json_text.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "server/process/slot.h"

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct cohort_self *self = user;

    (void)fd;
    (void)what;
    cohort_notice(
        self->log, "worker_shutdown_timeout is over, closing %u connections",
        atomic_load(&self->slot->handoff.open_count));
    coh_self_quit(self);
}

static void
on_departure(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_self_quit(user);
}

static int
init_intake(struct cohort_self *self)
{
    const struct cohort_load *load = self->load;
    struct coh_intake *intake = &self->intake;

    *intake = (struct coh_intake){
        .loop = &self->loop,
        .log = self->log,
        .channel = self->channel,
        .words = &self->slot->handoff,
        .turns = self->turns.area ? &self->turns : NULL,
        .open_max = load->settings->worker_connections,
        .on_connection = load->service->connection,
        .reclaim = load->service->reclaim,
        .state = load->state,
        .counters = self->slot->counters + load->first_counted,
    };
    return coh_intake_init(intake, (unsigned)load->listener_count);
}

int
coh_self_init(
    struct cohort_self *self, const int *numbers,
    void (*on_signal)(void *user, int number, bool is_by_process))
{
    int result = coh_loop_init(&self->loop, NULL);

    self->log = cohort_settings_log(self->load->conf.settings);
    self->signals.fd = -1;
    if (result < 0) {
        cohort_emerg(
            self->log, "cannot make an event loop: %s", strerror(-result));
        return result;
    }
    self->log->clock = &self->loop.clock;
    coh_loop_log(self->log);
    event_assign(&self->deadline, self->loop.base, -1, 0, on_deadline, self);
    event_assign(&self->departure, self->loop.base, -1, 0, on_departure, self);
    result =
        coh_signals_init(&self->signals, &self->loop, numbers, on_signal, self);
    coh_missed_files_init(
        &self->missed, self->channel, &self->loop, &self->intake);
    if (result == 0) {
        result = init_intake(self);
    }
    if (result < 0) {
        cohort_emerg(
            self->log, "cannot prepare to serve: %s", strerror(-result));
    }
    return result;
}

int
coh_self_start(struct cohort_self *self)
{
    struct cohort_load *load = self->load;
    int result = load->service->start(self, load->state);

    if (result < 0) {
        return result;
    }
    self->is_started = true;
    load->has_state = false; /* stop() frees it from now on */
    if (self->is_draining) {
        load->service->drain(load->state); /* told before it began */
    }
    return 0;
}

void
coh_self_drain_by(struct cohort_self *self, uint64_t limit_ms)
{
    if (self->is_draining) {
        return;
    }
    self->is_draining = true;
    coh_intake_drain(&self->intake);
    if (limit_ms > 0) {
        coh_event_add_ms(&self->deadline, limit_ms);
    }
    if (self->is_started) {
        self->load->service->drain(self->load->state);
    }
}

void
coh_self_drain(struct cohort_self *self)
{
    coh_self_drain_by(self, self->load->settings->shutdown_timeout_ms);
}

/* Others may have the listening sockets, or nobody any more, and then what
   waits there would be reset with them. */
void
coh_self_drain_within(struct cohort_self *self, uint64_t limit_ms)
{
    if (!self->is_started) {
        coh_self_quit(self);
        return;
    }
    coh_event_add_ms(&self->departure, limit_ms);
    coh_intake_take_waiting(&self->intake);
    coh_self_drain(self);
}

void
coh_self_quit(struct cohort_self *self)
{
    coh_loop_stop(&self->loop);
}

static void
stop_service(struct cohort_self *self)
{
    struct cohort_load *load = self->load;
    unsigned open;

    if (!self->is_started) {
        return;
    }
    self->is_started = false;
    load->service->stop(load->state);
    open = atomic_load(&self->slot->handoff.open_count);
    if (open > 0) {
        cohort_alert(
            self->log,
            "the %s service forgot %u open connections when it stopped",
            load->service->name, open);
    }
}

void
coh_self_fini(struct cohort_self *self)
{
    if (!self->loop.base) {
        return;
    }
    stop_service(self);
    coh_pulse_end(&self->beat);
    coh_intake_fini(&self->intake);
    coh_signals_fini(&self->signals);
    coh_missed_files_fini(&self->missed);
    event_del(&self->deadline);
    event_del(&self->departure);
    self->log->clock = NULL;
    coh_loop_fini(&self->loop);
    coh_loop_log(NULL);
}

/* --- log files ------------------------------------------------------------ */

void
coh_self_reopen(
    struct cohort_self *self, const uint32_t *files, int *fds, size_t count)
{
    const struct cohort_service *service = self->load->service;

    if (service->reopen && self->is_started) {
        service->reopen(self->load->state, true);
    }
    coh_load_reopen(self->load, files, fds, count);
    if (service->reopen && self->is_started) {
        service->reopen(self->load->state, false);
    }
    if (coh_missed_files_come(&self->missed)) {
        cohort_warn(self->log, "the new log files came");
    }
}

void
coh_self_miss_files(struct cohort_self *self)
{
    if (coh_missed_files_note(&self->missed)) {
        cohort_error(self->log, "%s", COH_MISSED_FILES_WARNING);
    }
}

/* --- messages ------------------------------------------------------------- */

int
coh_self_tell(struct cohort_self *self, struct cohort_str message)
{
    size_t count;

    if (message.size > COHORT_MESSAGE_MAX) {
        return -EMSGSIZE;
    }
    if (coh_json_text_check(message, &count, NULL) < 0) {
        return -EINVAL;
    }
    return self->channel
        ? coh_channel_send(
              self->channel, COH_FRAME_MESSAGE, message.data, message.size)
        : -EPIPE;
}

void
coh_self_deliver(struct cohort_self *self, const void *data, size_t size)
{
    const struct cohort_service *service = self->load->service;
    struct cohort_message message = {.data = data, .size = size, .fd = -1};

    if (service->message && self->is_started) {
        service->message(self, self->load->state, &message);
    }
}

/* --- what services ask ---------------------------------------------------- */

unsigned
cohort_self_id(const struct cohort_self *self)
{
    return (unsigned)self->id;
}

struct cohort_log *
cohort_self_log(struct cohort_self *self)
{
    return self->log;
}

struct coh_loop *
cohort_self_loop(struct cohort_self *self)
{
    return &self->loop;
}

struct event_base *
cohort_self_event_base(struct cohort_self *self)
{
    return self->loop.base;
}

int
cohort_self_secret(
    const struct cohort_self *self, size_t index, enum cohort_secret_age age,
    void *out)
{
    const struct cohort_load *load = self->load;

    if (index >= COH_LOAD_SECRETS_MAX && self->asked_secret) {
        return self->asked_secret(self, index, age, out);
    }
    if (!load || index >= load->secret_count || !load->secrets[index].area) {
        return -ENOENT;
    }
    coh_secret_read(
        load->secrets[index].area, age, out, load->secrets[index].size);
    return 0;
}

uint64_t *
cohort_self_counters(struct cohort_self *self)
{
    return self->slot->counters;
}

void
cohort_self_connection_closed(struct cohort_self *self)
{
    if (self->connection_closed) {
        self->connection_closed(self);
        return;
    }
    coh_intake_connection_closed(&self->intake);
}

/* Queued: whoever calls is still on the stack of what would be freed. */
void
cohort_self_idle(struct cohort_self *self)
{
    if (self->is_draining && !self->is_idle) {
        self->is_idle = true;
        event_active(&self->departure, EV_TIMEOUT, 1);
    }
}

bool
cohort_self_is_draining(const struct cohort_self *self)
{
    return self->is_draining;
}
