/* What is done to the whole server. */
#include <errno.h>
#include <stdio.h>

#include "server/primary/asker.h"
#include "server/primary/primary.h"
#include "server/primary/verb.h"

void
coh_verb_reload(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    if (!coh_verdict_must_be_alone(asker, verdict)) {
        return;
    }
    coh_verdict_wait(asker, ask, verdict);
    if (verdict->result == COH_VERDICT_LATER) {
        coh_primary_reload(asker->primary, ask->value != 0);
    }
}

void
coh_verb_upgrade(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    const char *why;

    if (!coh_verdict_may_wait(asker, verdict)) {
        return;
    }
    if (coh_primary_upgrade(asker->primary, true, &why) < 0) {
        coh_verdict_refuse(verdict, -EAGAIN, "%s", why);
    } else {
        coh_verdict_wait(asker, ask, verdict);
    }
}

void
coh_verb_reopen(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    (void)ask;
    if (coh_primary_reopen(asker->primary) > 0) {
        coh_verdict_refuse(
            verdict, -EIO,
            "not all log files were reopened, the error log says which: old "
            "ones are still written to");
        return;
    }
    snprintf(
        verdict->text, sizeof(verdict->text), "all log files were reopened");
}

void
coh_verb_quit(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    if (ask->value > COH_DEPARTURE_MAX_MS) {
        coh_verdict_refuse(verdict, -EINVAL, "not ready for an hour at most");
        return;
    }
    if (ask->verb == COH_ASK_QUIT) {
        coh_verdict_wait(asker, ask, verdict);
    } else {
        snprintf(verdict->text, sizeof(verdict->text), "the server leaves");
    }
    if (verdict->result >= 0) {
        coh_primary_quit_after(asker->primary, ask->value);
    }
}

void
coh_verb_stop(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    coh_verdict_wait(asker, ask, verdict);
    if (verdict->result == COH_VERDICT_LATER) {
        coh_primary_stop(asker->primary);
    }
}
