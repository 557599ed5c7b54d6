/* Questions of the admin helper: checked, sent on to the doors of the primary,
   answered with an outcome.

   States of the channel: NEW until the helper's hello, OPEN to the end. */
#include "server/primary/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/helper_tell.h"
#include "server/primary/pending.h"
#include "server/primary/snapshot.h"
#include "server/primary/target.h"
#include "server/primary/verb.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1
};

/* Longer reports are cut. */
#define TEXT_MAX (256 * 1024)

void
coh_answer_outcome(
    struct coh_helper *helper, const struct coh_frame_outcome *outcome,
    const char *text)
{
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)outcome, .iov_len = sizeof(*outcome)},
        {.iov_base = (void *)(uintptr_t)text,
         .iov_len = text ? strnlen(text, TEXT_MAX) : 0},
    };

    if (coh_channel_sendv(
            &helper->channel, COH_FRAME_OUTCOME, parts, 2, NULL, 0) < 0) {
        coh_child_signal(&helper->child, SIGKILL);
    }
}

/* --- the whole server ----------------------------------------------------- */

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
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    verdict->result = coh_pending_add(helper, ask, verdict->value);
    if (verdict->result < 0) {
        coh_verdict_refuse(
            verdict, -EAGAIN, "too many requests wait for an answer");
    } else {
        verdict->result = COH_VERDICT_LATER;
    }
}

bool
coh_verdict_must_serve(
    const struct coh_helper *helper, struct coh_verdict *verdict)
{
    if (!is_serving(helper->primary)) {
        coh_verdict_refuse(
            verdict, -EAGAIN, "the server does not serve (any more)");
        return false;
    }
    return true;
}

/* What changes workers has to wait while two primaries share sockets. */
bool
coh_verdict_must_be_alone(
    const struct coh_helper *helper, struct coh_verdict *verdict)
{
    if (!coh_verdict_must_serve(helper, verdict)) {
        return false;
    }
    if (coh_upgrade_is_under_way(&helper->primary->upgrade)) {
        coh_verdict_refuse(
            verdict, -EAGAIN,
            "an upgrade is under way: first let one of the two primaries "
            "leave");
        return false;
    }
    return true;
}

static void
reload(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    if (!coh_verdict_must_be_alone(helper, verdict)) {
        return;
    }
    coh_verdict_wait(helper, ask, verdict);
    if (verdict->result == COH_VERDICT_LATER) {
        coh_primary_reload(helper->primary, ask->value != 0);
    }
}

static void
upgrade(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    const char *why;

    if (coh_primary_upgrade(helper->primary, true, &why) < 0) {
        coh_verdict_refuse(verdict, -EAGAIN, "%s", why);
    } else {
        coh_verdict_wait(helper, ask, verdict);
    }
}

static void
reopen(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    (void)ask;
    if (coh_primary_reopen(helper->primary) > 0) {
        coh_verdict_refuse(
            verdict, -EIO,
            "not all log files were reopened, the error log says which: old "
            "ones are still written to");
        return;
    }
    snprintf(
        verdict->text, sizeof(verdict->text), "all log files were reopened");
}

static void
quit(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    if (ask->value > COH_DEPARTURE_MAX_MS) {
        coh_verdict_refuse(verdict, -EINVAL, "not ready for an hour at most");
        return;
    }
    if (ask->verb == COH_ASK_QUIT) {
        coh_verdict_wait(helper, ask, verdict);
    } else {
        snprintf(verdict->text, sizeof(verdict->text), "the server leaves");
    }
    if (verdict->result >= 0) {
        coh_primary_quit_after(helper->primary, ask->value);
    }
}

static void
stop(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict)
{
    coh_verdict_wait(helper, ask, verdict);
    if (verdict->result == COH_VERDICT_LATER) {
        coh_primary_stop(helper->primary);
    }
}

/* --- frames --------------------------------------------------------------- */

static coh_verb *const verbs[COH_ASK_VERB_COUNT] = {
    [COH_ASK_SCALE] = coh_verb_scale,
    [COH_ASK_GROW] = coh_verb_grow,
    [COH_ASK_RELOAD] = reload,
    [COH_ASK_UPGRADE] = upgrade,
    [COH_ASK_REOPEN] = reopen,
    [COH_ASK_QUIT] = quit,
    [COH_ASK_QUIT_BEGIN] = quit,
    [COH_ASK_STOP] = stop,
    [COH_ASK_DISCONNECT] = coh_verb_disconnect,
    [COH_ASK_KILL] = coh_verb_kill,
    [COH_ASK_REPLACE] = coh_verb_replace,
    [COH_ASK_MESSAGE] = coh_verb_message,
};

static void
on_ask(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_helper *helper = channel->user;
    const struct coh_frame_ask *ask = message->data;
    struct coh_frame_outcome outcome = {.number = ask->number};
    struct coh_verdict verdict = {.text = ""};
    struct coh_target target;

    if (ask->verb >= COH_ASK_VERB_COUNT ||
        !memchr(ask->group, '\0', sizeof(ask->group))) {
        coh_channel_reject(channel, "asks for what there is not");
        return;
    }
    verdict.data =
        cohort_str_n((const char *)(ask + 1), message->size - sizeof(*ask));
    if (verbs[ask->verb]) {
        verbs[ask->verb](helper, ask, &verdict);
    } else if (
        ask->worker_id == 0 || coh_verb_find(helper, ask, &target, &verdict)) {
        verdict.result = coh_snapshot_send(helper, ask);
    }
    if (verdict.result <= 0) {
        outcome.result = verdict.result;
        outcome.value = verdict.value;
        coh_answer_outcome(helper, &outcome, verdict.text);
    }
}

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
}

/* Its process ends too, soon; if it broke the rules, at once. */
static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_helper *helper = channel->user;

    (void)message;
    if (!helper->is_ending && !helper->is_leaving) {
        coh_child_signal(&helper->child, SIGKILL);
    }
}

static void
on_sent(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_helper_tell_events(channel->user);
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_ASK,
        .name = "ask",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_ask),
        .max_size = sizeof(struct coh_frame_ask) + COH_ADMIN_MESSAGE_MAX,
        .handle = on_ask,
    },
};

const struct coh_channel_role coh_asking_role = {
    .peer = "admin helper",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
    .sent = on_sent,
};
