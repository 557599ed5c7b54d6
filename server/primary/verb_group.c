/* How many workers a group has. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "server/primary/asker.h"
#include "server/primary/generation.h"
#include "server/primary/pending.h"
#include "server/primary/primary.h"
#include "server/primary/target.h"
#include "server/primary/verb.h"

/* The group that is asked about; false: there is none, which is the verdict. */
static bool
find_size(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_target_size *size, struct coh_verdict *verdict)
{
    int result;

    if (!coh_verdict_must_be_alone(asker, verdict)) {
        return false;
    }
    result = coh_target_size(asker->primary, ask->group, size);
    if (result == -ENOENT) {
        coh_verdict_refuse(
            verdict, result, "there is no worker group \"%s\"", ask->group);
    } else if (result < 0) {
        coh_verdict_refuse(
            verdict, result, "the group main has no address to listen on");
    }
    return result == 0;
}

void
coh_verb_scale(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct coh_target_size size;
    const char *why;

    if (!find_size(asker, ask, &size, verdict)) {
        return;
    }
    why = coh_target_objection(asker->primary, ask->group);
    if (why) {
        coh_verdict_refuse(verdict, -EAGAIN, "%s", why);
        return;
    }
    if (ask->value == 0 || ask->value > size.max) {
        coh_verdict_refuse(
            verdict, -EINVAL,
            "%" PRIu32 " workers: from 1 to %u are possible "
            "(worker_processes_max)",
            ask->value, size.max);
        return;
    }
    coh_verdict_wait(asker, ask, verdict);
    if (verdict->result == COH_VERDICT_LATER) {
        coh_target_scale(asker->primary, ask->group, ask->value);
        coh_pending_look(asker->primary);
    }
}

void
coh_verb_grow(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    struct cohort_str environment = verdict->data;
    struct coh_target_size size;
    int result;

    if (!find_size(asker, ask, &size, verdict)) {
        return;
    }
    result = coh_target_grow_check(
        asker->primary, ask->group, ask->value, environment);
    if (result == -ENOSPC) {
        coh_verdict_refuse(
            verdict, -EINVAL,
            "%" PRIu32 " worker%s more: %u are possible at all "
            "(worker_processes_max)",
            ask->value, ask->value == 1 ? "" : "s", size.max);
    } else if (result == -EAGAIN) {
        coh_verdict_refuse(
            verdict, result, "no workers are started before a reload");
    } else if (result < 0) {
        coh_verdict_refuse(
            verdict, result, "the environment is no list of NAME=VALUE");
    } else {
        verdict->value =
            (uint32_t)atomic_load(&asker->primary->numbers.words->worker) + 1;
        coh_verdict_wait(asker, ask, verdict);
    }
    if (verdict->result == COH_VERDICT_LATER) {
        coh_target_grow(asker->primary, ask->group, ask->value, environment);
        coh_pending_look(asker->primary);
    }
}
