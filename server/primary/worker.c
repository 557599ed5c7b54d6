/* Workers in the primary: born of a template, told what to do, reaped. */
#include "server/primary/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/main_group.h"
#include "server/primary/pending.h"
#include "server/primary/primary.h"
#include "server/primary/reload.h"
#include "server/primary/scale.h"
#include "server/process/slot.h"

/* States of the channel: NEW until the worker's hello, OPEN to the end. */
enum {
    OPEN = COH_CHANNEL_NEW << 1
};

static void
tell(const struct coh_worker *worker, struct coh_event event)
{
    event.generation = worker->generation->number;
    event.worker_id = worker->id;
    event.group = COH_GROUP_MAIN;
    event.pid = worker->child.pid;
    coh_event_tell(&worker->primary->readers, &event);
}

/* Once, and not about one that was never there. */
static void
tell_disconnect(struct coh_worker *worker)
{
    if (!worker->is_disconnected && worker->child.pid > 0) {
        worker->is_disconnected = true;
        tell(worker, (struct coh_event){.kind = COH_EVENT_DISCONNECT});
    }
}

/* One event for each address, as each has its policy. */
static void
tell_listening(const struct coh_worker *worker)
{
    const struct coh_generation *generation = worker->generation;
    char address[COH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < generation->request_count; i++) {
        tell(
            worker,
            (struct coh_event){
                .kind = COH_EVENT_LISTENING,
                .text =
                    coh_addr_format(&generation->requests[i].address, address),
            });
    }
}

static void
tell_failure(const struct coh_generation *generation, const char *why)
{
    char text[160];
    struct coh_event event = {
        .kind = COH_EVENT_ERROR,
        .generation = generation->number,
        .group = COH_GROUP_MAIN,
        .text = text,
    };

    snprintf(text, sizeof(text), "cannot start a worker: %s", why);
    coh_event_tell(&generation->primary->readers, &event);
}

/* --- its end ---------------------------------------------------------------- */

/* What it counted stays; its slot and place are free again. */
static void
take_out(struct coh_worker *worker)
{
    struct coh_primary *primary = worker->primary;
    struct coh_generation *generation = worker->generation;
    struct coh_slot *slot = &primary->slots.array[worker->slot];

    coh_rotation_remove(&worker->peer);
    coh_main_group_lose(worker);
    coh_generation_unfork(generation, worker);
    coh_totals_fold(
        &primary->totals, generation->totals, slot->counters,
        generation->counter_count);
    coh_slots_give(&primary->slots, worker->slot);
    if (generation->places[worker->place].worker == worker) {
        generation->places[worker->place].worker = NULL;
    }
    coh_dismiss_undo(worker);
    TAILQ_REMOVE(&primary->workers, worker, link);
    generation->worker_count--;
}

static void
free_worker(struct coh_worker *worker)
{
    coh_channel_fini(&worker->channel);
    coh_child_fini(&worker->child);
    if (worker->far_end >= 0) {
        close(worker->far_end);
    }
    free(worker);
}

static void
end(struct coh_worker *worker, struct coh_exit how)
{
    struct coh_primary *primary = worker->primary;
    struct coh_generation *generation = worker->generation;
    struct coh_ended_worker ended = {
        .id = worker->id,
        .place = worker->place,
        .how = how,
        .life_ms = coh_monotonic_ms() - worker->born_ms,
        .was_wanted = worker->state != COH_WORKER_DRAINING,
    };

    take_out(worker);
    free_worker(worker);
    coh_scale_worker_ended(generation, &ended);
    coh_pending_look(primary->helper);
}

/* By its own fault, not because somebody ended it. */
static bool
has_crashed(const struct coh_worker *worker, struct coh_exit how)
{
    return how.is_signal && worker->reason == COHORT_REASON_SELF &&
        (how.number == SIGSEGV || how.number == SIGBUS ||
         how.number == SIGILL || how.number == SIGABRT);
}

static void
on_ended(struct coh_child *child, struct coh_exit how)
{
    struct coh_worker *worker =
        (struct coh_worker
             *)((char *)child - offsetof(struct coh_worker, child));

    tell_disconnect(worker);
    tell(
        worker,
        (struct coh_event){
            .kind = COH_EVENT_EXIT,
            .how = how,
            .reason = how.is_signal && worker->reason == COHORT_REASON_SELF
                ? COHORT_REASON_CRASH
                : worker->reason,
        });
    if (has_crashed(worker, how)) {
        coh_generation_renew_template(worker->generation);
    }
    end(worker, how);
}

void
coh_worker_stillborn(struct coh_worker *worker)
{
    end(worker, (struct coh_exit){.is_signal = false, .number = 1});
}

/* --- frames ------------------------------------------------------------------ */

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;
    const struct coh_frame_hello *hello = message->data;

    if (coh_hello_check(hello) < 0 || hello->worker_id != worker->id) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
    /* Usually the template has answered first. */
    if (message->fd_count > 0 && worker->child.pidfd < 0 &&
        worker->child.pid == 0) {
        coh_worker_born(
            worker, coh_child_pid_of(message->fds[0]), message->fds[0]);
        message->fds[0] = -1;
    }
    worker->is_online = true;
    if (worker->child.pid > 0) {
        tell(worker, (struct coh_event){.kind = COH_EVENT_ONLINE});
    }
}

static void
on_ready(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    if (worker->state == COH_WORKER_STARTING) {
        worker->state = COH_WORKER_READY;
        tell(worker, (struct coh_event){.kind = COH_EVENT_READY});
        coh_reload_worker_ready(worker);
    }
}

static void
on_credit(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    coh_handoff_credit(&worker->peer);
}

/* What it says is for whoever listens to events; here it is not looked into. */
static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    tell(
        channel->user,
        (struct coh_event){
            .kind = COH_EVENT_MESSAGE,
            .message = {message->data, message->size},
        });
}

int
coh_worker_send(struct coh_worker *worker, const void *data, size_t size)
{
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)data, .iov_len = size},
        {.iov_base = (void *)(uintptr_t) "", .iov_len = 1},
    };

    if (!worker->generation->settings.takes_messages) {
        return -EOPNOTSUPP;
    }
    return coh_channel_sendv(
        &worker->channel, COH_FRAME_MESSAGE, parts, 2, NULL, 0);
}

/* Its process ends too, soon; if it broke the rules, at once. */
static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    coh_rotation_remove(&worker->peer);
    tell_disconnect(worker);
    if (worker->child.pidfd >= 0) {
        coh_child_signal(
            &worker->child,
            worker->state == COH_WORKER_DRAINING ? SIGTERM : SIGKILL);
    } else if (!worker->is_in_fork_queue) {
        coh_worker_stillborn(worker);
    }
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .max_fds = 1,
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_READY,
        .name = "ready",
        .states = OPEN,
        .handle = on_ready,
    },
    {
        .type = COH_FRAME_CREDIT,
        .name = "credit",
        .states = OPEN,
        .handle = on_credit,
    },
    {
        .type = COH_FRAME_MESSAGE,
        .name = "message",
        .states = OPEN,
        .min_size = 1,
        .max_size = COHORT_MESSAGE_MAX,
        .handle = on_message,
    },
};

static const struct coh_channel_role role = {
    .peer = "worker",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

/* --- its beginning ------------------------------------------------------------ */

static int
send_hello(struct coh_worker *worker)
{
    struct coh_frame_hello hello;

    coh_hello_fill(
        &hello, worker->generation->number, worker->id, worker->slot);
    return coh_channel_send(
        &worker->channel, COH_FRAME_HELLO, &hello, sizeof(hello));
}

/* One of its addresses, with a socket if workers accept there themselves. */
static int
send_listener(struct coh_worker *worker, size_t index)
{
    const struct coh_generation *generation = worker->generation;
    size_t cover = generation->cover[index];
    const struct coh_acceptor *acceptor = &generation->acceptors[cover];
    int fd = cover == index ? coh_acceptor_socket(acceptor, worker->place) : -1;
    struct coh_frame_listener frame = {
        .index = (uint32_t)index,
        .policy = (uint32_t)acceptor->policy->id,
        .has_fd = fd >= 0,
    };

    return coh_channel_send_fds(
        &worker->channel, COH_FRAME_LISTENERS, &frame, sizeof(frame), &fd,
        fd >= 0 ? 1 : 0);
}

static int
send_listeners(struct coh_worker *worker)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < worker->generation->request_count;
         i++) {
        result = send_listener(worker, i);
    }
    return result;
}

static void
fill_slot(struct coh_worker *worker)
{
    struct coh_slot *slot = &worker->primary->slots.array[worker->slot];

    slot->worker_id = worker->id;
    slot->generation = worker->generation->number;
    coh_handoff_peer_init(&worker->peer, &slot->handoff, &worker->channel);
}

static int
open_channel(struct coh_worker *worker)
{
    struct coh_primary *primary = worker->primary;
    int ends[2];
    int result = coh_socket_pair(SOCK_SEQPACKET, ends);

    if (result < 0) {
        return result;
    }
    worker->far_end = ends[1];
    result = coh_channel_init(
        &worker->channel, &primary->loop, ends[0], &role, worker,
        &primary->log);
    if (result < 0) {
        return result;
    }
    worker->channel.peer_id = worker->id;
    fill_slot(worker);
    result = send_hello(worker);
    if (result == 0) {
        result = send_listeners(worker);
    }
    return result == 0 ? coh_secrets_send(worker) : result;
}

struct coh_worker *
coh_worker_new(struct coh_generation *generation, unsigned place)
{
    struct coh_primary *primary = generation->primary;
    struct coh_worker *worker = calloc(1, sizeof(*worker));
    int slot = coh_slots_take(&primary->slots);
    int result;

    if (!worker || slot < 0) {
        tell_failure(
            generation,
            worker ? "no slot is free; too many old ones may still be finishing"
                   : "out of memory");
        free(worker);
        return NULL;
    }
    worker->primary = primary;
    worker->generation = generation;
    worker->id = ++primary->last_worker;
    worker->slot = (unsigned)slot;
    worker->place = place;
    worker->born_ms = coh_monotonic_ms();
    worker->far_end = -1;
    worker->channel.fd = -1;
    coh_child_init(&worker->child, on_ended);
    result = open_channel(worker);
    if (result < 0) {
        tell_failure(generation, strerror(-result));
        coh_slots_give(&primary->slots, worker->slot);
        free_worker(worker);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&primary->workers, worker, link);
    generation->worker_count++;
    coh_generation_fork(generation, worker);
    return worker;
}

struct coh_worker *
coh_worker_find(struct coh_primary *primary, uint64_t id)
{
    struct coh_worker *worker;

    TAILQ_FOREACH (worker, &primary->workers, link) {
        if (worker->id == id) {
            return worker;
        }
    }
    return NULL;
}

void
coh_worker_born(struct coh_worker *worker, pid_t pid, int pidfd)
{
    bool is_told = worker->child.pid > 0;

    if (worker->far_end >= 0) {
        close(worker->far_end); /* its own copy must be the only one */
        worker->far_end = -1;
    }
    if (worker->child.pidfd >= 0) {
        worker->child.pid = pid;
        close(pidfd);
    } else if (
        coh_child_watch(&worker->child, &worker->primary->loop, pid, pidfd) <
        0) {
        cohort_crit(
            &worker->primary->log,
            "cannot watch worker %" PRIu64 ": out of memory", worker->id);
    }
    if (pid > 0 && !is_told) {
        tell(worker, (struct coh_event){.kind = COH_EVENT_FORK});
        if (worker->is_online) {
            tell(worker, (struct coh_event){.kind = COH_EVENT_ONLINE});
        }
    }
    if (worker->pending_signal) {
        coh_child_signal(&worker->child, worker->pending_signal);
    }
}

/* --- what it is told ------------------------------------------------------------ */

void
coh_worker_serve(struct coh_worker *worker)
{
    if (worker->state != COH_WORKER_READY) {
        return;
    }
    worker->state = COH_WORKER_SERVING;
    coh_turns_expect(worker->primary->slots.turns, worker->slot);
    coh_channel_send(&worker->channel, COH_FRAME_START, NULL, 0);
    coh_rotation_add(&worker->generation->rotation, &worker->peer);
    coh_main_group_join(worker);
    tell_listening(worker);
    coh_dismiss_predecessor(worker);
}

void
coh_worker_drain(struct coh_worker *worker)
{
    if (worker->state == COH_WORKER_DRAINING) {
        return;
    }
    worker->state = COH_WORKER_DRAINING;
    coh_main_group_leave(worker);
    coh_dismiss_predecessor(worker);
    coh_rotation_remove(&worker->peer);
    if (coh_channel_send(&worker->channel, COH_FRAME_DRAIN, NULL, 0) < 0) {
        coh_worker_signal(worker, SIGTERM);
    }
    tell_disconnect(worker);
}

void
coh_worker_signal(struct coh_worker *worker, int number)
{
    worker->state = COH_WORKER_DRAINING;
    coh_main_group_leave(worker);
    if (worker->child.pidfd >= 0) {
        coh_child_signal(&worker->child, number);
    } else if (coh_generation_unfork(worker->generation, worker)) {
        coh_worker_stillborn(worker);
    } else {
        worker->pending_signal = number;
    }
}

void
coh_worker_forget(struct coh_worker *worker)
{
    int fds[] = {worker->channel.fd, worker->child.pidfd, worker->far_end};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}
