/* What is done to one worker. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/primary/asker.h"
#include "server/primary/primary.h"
#include "server/primary/target.h"
#include "server/primary/verb.h"

bool
coh_verb_find(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_target *target, struct coh_verdict *verdict)
{
    if (coh_target_find(asker->primary, ask->worker_id, target)) {
        return true;
    }
    verdict->result = -ENOENT;
    snprintf(
        verdict->text, sizeof(verdict->text),
        ask->worker_id != 0 &&
                ask->worker_id <=
                    atomic_load(&asker->primary->numbers.words->worker)
            ? "worker %" PRIu64 " is gone"
            : "there is no worker %" PRIu64,
        ask->worker_id);
    return false;
}

/* What came of it, as an answer: result is what the server has, and may be told
   in other words. */
static void
explain(struct coh_verdict *verdict, int result)
{
    switch (result) {
    case 0:
        break;
    case -EINPROGRESS:
        coh_verdict_refuse(
            verdict, -EALREADY,
            "it does not serve yet: ask again when it does");
        break;
    case -EALREADY:
        coh_verdict_refuse(verdict, result, "it is about to leave already");
        break;
    case -EBUSY:
        coh_verdict_refuse(
            verdict, result,
            "with the policy reuseport each worker has a socket of its own, "
            "where clients would wait for nobody; replace it, or scale");
        break;
    case -EAGAIN:
        coh_verdict_refuse(
            verdict, result,
            "the last one that was to follow has died young, so the next one "
            "has to wait: the error log says for how long");
        break;
    case -ECHILD:
        coh_verdict_refuse(
            verdict, -EAGAIN,
            "the process that workers are forked from is lost: reload first");
        break;
    case -ENOBUFS:
        coh_verdict_refuse(
            verdict, -EAGAIN,
            "no worker can be started now: the error log says why");
        break;
    default:
        coh_verdict_refuse(verdict, result, "%s", strerror(-result));
        break;
    }
}

void
coh_verb_disconnect(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_target target;

    if (coh_verb_find(asker, ask, &target, verdict)) {
        explain(verdict, coh_target_disconnect(&target));
    }
}

void
coh_verb_kill(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_target target;

    if (!coh_verb_find(asker, ask, &target, verdict)) {
        return;
    }
    if (ask->value == 0 || ask->value >= NSIG) {
        coh_verdict_refuse(verdict, -EINVAL, "no such signal");
    } else {
        explain(verdict, coh_target_kill(&target, (int)ask->value));
    }
}

void
coh_verb_replace(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_target target;
    uint64_t successor = 0;
    int result;

    if (!coh_verb_find(asker, ask, &target, verdict) ||
        !coh_verdict_may_wait(asker, verdict)) {
        return;
    }
    result = coh_target_replace(&target, &successor);
    if (result < 0) {
        explain(verdict, result);
        return;
    }
    verdict->value = (uint32_t)successor;
    coh_verdict_wait(asker, ask, verdict);
}

/* What worker.send() does: nobody waits until it has been read. */
void
coh_verb_message(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_target target;
    int result;

    if (!coh_verb_find(asker, ask, &target, verdict)) {
        return;
    }
    result = coh_target_send(&target, verdict->data);
    if (result == -EAGAIN) {
        coh_verdict_refuse(verdict, result, "it is only just starting");
    } else if (result == -EOPNOTSUPP) {
        coh_verdict_refuse(
            verdict, result,
            "workers of this group take no messages: what they run has no "
            "entry for them");
    } else if (result == -ENOBUFS) {
        coh_verdict_refuse(
            verdict, result, "it has stopped reading, and its queue is full");
    } else if (result < 0) {
        coh_verdict_refuse(verdict, -EALREADY, "it is about to leave");
    }
}
