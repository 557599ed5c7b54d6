/* What is done to one worker. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "server/primary/dismiss.h"
#include "server/primary/helper.h"
#include "server/primary/primary.h"
#include "server/primary/verb.h"
#include "server/primary/worker.h"

struct coh_worker *
coh_verb_worker(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_worker *worker =
        coh_worker_find(helper->primary, ask->worker_id);

    if (!worker) {
        verdict->result = -ENOENT;
        snprintf(
            verdict->text, sizeof(verdict->text),
            ask->worker_id != 0 &&
                    ask->worker_id <= helper->primary->last_worker
                ? "worker %" PRIu64 " is gone"
                : "there is no worker %" PRIu64,
            ask->worker_id);
    }
    return worker;
}

static void
explain(struct coh_verdict *verdict, int result)
{
    if (result == -EALREADY) {
        coh_verdict_refuse(verdict, result, "it is about to leave already");
    } else if (result == -EBUSY) {
        coh_verdict_refuse(
            verdict, result,
            "with the policy reuseport each worker has a socket of its own, "
            "where clients would wait for nobody; replace it, or scale");
    } else if (result < 0) {
        coh_verdict_refuse(verdict, result, "no worker can be started now");
    }
}

void
coh_verb_disconnect(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_worker *worker = coh_verb_worker(helper, ask, verdict);

    if (worker) {
        explain(verdict, coh_dismiss_disconnect(worker));
    }
}

void
coh_verb_kill(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_worker *worker = coh_verb_worker(helper, ask, verdict);

    if (worker && (ask->value == 0 || ask->value >= NSIG)) {
        coh_verdict_refuse(verdict, -EINVAL, "no such signal");
    } else if (worker) {
        coh_dismiss_kill(worker, (int)ask->value);
    }
}

void
coh_verb_replace(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_worker *worker = coh_verb_worker(helper, ask, verdict);
    struct coh_worker *successor = NULL;
    int result;

    if (!worker) {
        return;
    }
    result = coh_dismiss_replace(worker, &successor);
    if (result < 0) {
        explain(verdict, result);
        return;
    }
    verdict->value = (uint32_t)successor->id;
    coh_verdict_wait(helper, ask, verdict);
}

/* What worker.send() does: nobody waits until it has been read. */
void
coh_verb_message(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_worker *worker = coh_verb_worker(helper, ask, verdict);
    int result;

    if (!worker) {
        return;
    }
    result = worker->state == COH_WORKER_STARTING
        ? -EAGAIN
        : coh_worker_send(worker, verdict->data.data, verdict->data.size);
    if (result == -EAGAIN) {
        coh_verdict_refuse(verdict, result, "it is only just starting");
    } else if (result == -EOPNOTSUPP) {
        coh_verdict_refuse(
            verdict, result,
            "workers of the group main take no messages: their service has no "
            "entry for them");
    } else if (result == -ENOBUFS) {
        coh_verdict_refuse(
            verdict, result, "it has stopped reading, and its queue is full");
    } else if (result < 0) {
        coh_verdict_refuse(verdict, -EALREADY, "it is about to leave");
    }
}
