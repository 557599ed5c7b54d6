/* Verbs, each with its function, and the verdicts that several of them have. */
#include "server/primary/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/primary/asker.h"
#include "server/primary/generation.h"
#include "server/primary/pending.h"

/* --- verdicts ------------------------------------------------------------- */

#define TOO_MANY "too many requests wait for an answer"

static bool
is_serving(const struct coh_primary *primary)
{
    return primary->state == COH_PRIMARY_SERVING && primary->current;
}

void
coh_verdict_refuse(
    struct coh_verdict *verdict, int result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(verdict->text, sizeof(verdict->text), format, arguments);
    va_end(arguments);
    verdict->result = result;
}

void
coh_verdict_wait(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    verdict->result = coh_pending_add(asker, ask, verdict->value);
    if (verdict->result < 0) {
        coh_verdict_refuse(verdict, -EAGAIN, TOO_MANY);
    } else {
        verdict->result = COH_VERDICT_LATER;
    }
}

bool
coh_verdict_may_wait(const struct coh_asker *asker, struct coh_verdict *verdict)
{
    if (asker->pending_count == COH_PENDING_MAX) {
        coh_verdict_refuse(verdict, -EAGAIN, TOO_MANY);
        return false;
    }
    return true;
}

bool
coh_verdict_must_serve(
    const struct coh_asker *asker, struct coh_verdict *verdict)
{
    if (!is_serving(asker->primary)) {
        coh_verdict_refuse(
            verdict, -EAGAIN, "the server does not serve (any more)");
        return false;
    }
    return true;
}

/* What changes workers has to wait while two primaries share sockets. */
bool
coh_verdict_must_be_alone(
    const struct coh_asker *asker, struct coh_verdict *verdict)
{
    if (!coh_verdict_must_serve(asker, verdict)) {
        return false;
    }
    if (coh_upgrade_is_under_way(&asker->primary->upgrade)) {
        coh_verdict_refuse(
            verdict, -EAGAIN,
            "an upgrade is under way: first let one of the two primaries "
            "leave");
        return false;
    }
    return true;
}

/* --- asking --------------------------------------------------------------- */

static coh_verb *const verbs[COH_ASK_VERB_COUNT] = {
    [COH_ASK_SCALE] = coh_verb_scale,
    [COH_ASK_GROW] = coh_verb_grow,
    [COH_ASK_RELOAD] = coh_verb_reload,
    [COH_ASK_UPGRADE] = coh_verb_upgrade,
    [COH_ASK_REOPEN] = coh_verb_reopen,
    [COH_ASK_QUIT] = coh_verb_quit,
    [COH_ASK_QUIT_BEGIN] = coh_verb_quit,
    [COH_ASK_STOP] = coh_verb_stop,
    [COH_ASK_DISCONNECT] = coh_verb_disconnect,
    [COH_ASK_KILL] = coh_verb_kill,
    [COH_ASK_REPLACE] = coh_verb_replace,
    [COH_ASK_MESSAGE] = coh_verb_message,
};

bool
coh_verb_ask(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct cohort_str data)
{
    struct coh_frame_outcome outcome = {.number = ask->number};
    struct coh_verdict verdict = {.data = data};

    if (!verbs[ask->verb]) {
        return false;
    }
    verbs[ask->verb](asker, ask, &verdict);
    if (verdict.result <= 0) {
        outcome.result = verdict.result;
        outcome.value = verdict.value;
        asker->on_outcome(asker, ask, &outcome, verdict.text);
    }
    return true;
}
