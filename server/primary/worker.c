/* Workers in the primary: told what to do, reaped. */
#include "server/primary/worker.h"

#include <errno.h>
#include <signal.h>
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

/* --- its end -------------------------------------------------------------- */

/* What it counted stays; its slot and place are free again. */
static void
take_out(struct coh_worker *worker)
{
    struct coh_primary *primary = worker->primary;
    struct coh_generation *generation = worker->generation;
    struct coh_slot *slot = coh_slots_at(&primary->slots, worker->slot);

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

void
coh_worker_free(struct coh_worker *worker)
{
    coh_overdue_fini(worker);
    coh_channel_fini(&worker->channel);
    coh_child_fini(&worker->child);
    coh_fds_close(&worker->far_end, 1);
    coh_fds_close(&worker->speaker, 1);
    coh_last_words_close(&worker->words);
    free(worker);
}

static void
end(struct coh_worker *worker, struct coh_exit how)
{
    struct coh_primary *primary = worker->primary;
    struct coh_generation *generation = worker->generation;
    char words[COH_LAST_WORDS_MAX];
    struct coh_ended_worker ended = {
        .id = worker->id,
        .place = worker->place,
        .how = how,
        .life_ms = coh_monotonic_ms() - worker->born_ms,
        .was_wanted = worker->state != COH_WORKER_DRAINING,
        .last_words = words,
    };

    memcpy(
        words, coh_last_words_close(&worker->words),
        sizeof(worker->words.text));
    take_out(worker);
    coh_worker_free(worker);
    coh_scale_worker_ended(generation, &ended);
    coh_pending_look(primary);
}

/* By its own fault, not because somebody ended it. */
static bool
has_crashed(const struct coh_worker *worker, struct coh_exit how)
{
    return how.is_signal && worker->reason == COHORT_REASON_SELF &&
        (how.number == SIGSEGV || how.number == SIGBUS ||
         how.number == SIGILL || how.number == SIGABRT);
}

void
coh_worker_on_ended(struct coh_child *child, struct coh_exit how)
{
    struct coh_worker *worker =
        (struct coh_worker
             *)((char *)child - offsetof(struct coh_worker, child));

    coh_worker_tell_disconnect(worker);
    coh_worker_tell(
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

/* --- what it is told ------------------------------------------------------ */

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
    coh_worker_tell_listening(worker);
    coh_dismiss_predecessor(worker);
}

void
coh_worker_drain(struct coh_worker *worker)
{
    const struct coh_frame_drain frame = {coh_overdue_limit(worker)};

    if (worker->state == COH_WORKER_DRAINING) {
        return;
    }
    worker->state = COH_WORKER_DRAINING;
    coh_overdue_begin(worker);
    coh_main_group_leave(worker);
    coh_dismiss_predecessor(worker);
    coh_rotation_remove(&worker->peer);
    coh_worker_tell_disconnect(worker);
    if (coh_channel_send(
            &worker->channel, COH_FRAME_DRAIN, &frame, sizeof(frame)) < 0) {
        coh_worker_signal(worker, SIGTERM); /* may free it */
    }
}

void
coh_worker_signal(struct coh_worker *worker, int number)
{
    worker->state = COH_WORKER_DRAINING;
    coh_overdue_begin(worker);
    coh_main_group_leave(worker);
    if (worker->child.pidfd >= 0) {
        coh_child_signal(&worker->child, number);
    } else if (coh_generation_unfork(worker->generation, worker)) {
        coh_worker_stillborn(worker);
    } else {
        worker->pending_signal = number;
    }
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

void
coh_worker_forget(struct coh_worker *worker)
{
    int fds[] = {
        worker->child.pidfd, worker->far_end, worker->speaker,
        worker->words.fd};

    coh_channel_forget(&worker->channel);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}
