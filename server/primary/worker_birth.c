/* How workers begin: a slot, a channel, first frames, and a fork of the
   template. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/primary/generation.h"
#include "server/primary/main_group.h"
#include "server/primary/primary.h"
#include "server/primary/worker.h"
#include "server/process/slot.h"

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
    struct coh_slot *slot = coh_slots_at(&worker->primary->slots, worker->slot);

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
        &worker->channel, &primary->loop, ends[0], &coh_worker_role, worker,
        &primary->log);
    if (result < 0) {
        return result;
    }
    worker->channel.peer_id = worker->id;
    fill_slot(worker);
    result =
        coh_last_words_open(&worker->words, &primary->loop, &worker->speaker);
    if (result == 0) {
        result = send_hello(worker);
    }
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
        coh_worker_tell_failure(
            generation,
            worker ? "no slot is free; too many old ones may still be finishing"
                   : "out of memory");
        if (slot >= 0) {
            coh_slots_give(&primary->slots, (unsigned)slot);
        }
        free(worker);
        return NULL;
    }
    worker->primary = primary;
    worker->generation = generation;
    worker->id = coh_number_take(&primary->numbers.words->worker);
    worker->slot = (unsigned)slot;
    worker->place = place;
    worker->born_ms = coh_monotonic_ms();
    worker->far_end = -1;
    worker->speaker = -1;
    coh_last_words_init(&worker->words);
    coh_overdue_init(worker);
    worker->channel.fd = -1;
    coh_child_init(&worker->child, coh_worker_on_ended);
    result = open_channel(worker);
    if (result < 0) {
        coh_worker_tell_failure(generation, strerror(-result));
        coh_slots_give(&primary->slots, worker->slot);
        coh_worker_free(worker);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&primary->workers, worker, link);
    generation->worker_count++;
    coh_generation_fork(generation, worker);
    return worker;
}

void
coh_worker_born(struct coh_worker *worker, pid_t pid, int pidfd)
{
    bool is_told = worker->child.pid > 0;

    coh_fds_close(&worker->far_end, 1); /* its own copy must be the only one */
    coh_fds_close(&worker->speaker, 1);
    if (worker->child.pidfd >= 0) {
        worker->child.pid = pid;
        coh_fds_close(&pidfd, 1); /* it has one of its own */
    } else if (
        coh_child_watch(&worker->child, &worker->primary->loop, pid, pidfd) <
        0) {
        cohort_crit(
            &worker->primary->log,
            "cannot watch worker %" PRIu64 ": out of memory", worker->id);
    }
    coh_main_group_begin(worker);
    if (pid > 0 && !is_told) {
        coh_worker_tell(worker, (struct coh_event){.kind = COH_EVENT_FORK});
        if (worker->is_online) {
            coh_worker_tell(
                worker, (struct coh_event){.kind = COH_EVENT_ONLINE});
        }
    }
    if (worker->pending_signal) {
        coh_child_signal(&worker->child, worker->pending_signal);
    }
}
