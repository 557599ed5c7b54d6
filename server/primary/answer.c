/* Questions of the admin helper: checked, sent on to the doors of the primary,
   answered with an outcome.

   States of the channel: NEW until the helper's hello, OPEN to the end. */
#include "server/primary/answer.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "server/primary/helper.h"
#include "server/primary/helper_tell.h"
#include "server/primary/snapshot.h"
#include "server/primary/target.h"
#include "server/primary/verb.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1
};

/* Longer reports are cut. */
#define TEXT_MAX (256 * 1024)

static void
send_outcome(
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

void
coh_answer_outcome(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    const struct coh_frame_outcome *outcome, const char *text)
{
    struct coh_helper *helper =
        (struct coh_helper
             *)((char *)asker - offsetof(struct coh_helper, asker));

    if (outcome->result == 0 &&
        (ask->verb == COH_ASK_GROW || ask->verb == COH_ASK_REPLACE)) {
        coh_snapshot_send_new(helper, ask, outcome->value);
    }
    send_outcome(helper, outcome, text);
}

/* What only wants to know something. */
static void
tell_parts(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    struct coh_frame_outcome outcome = {.number = ask->number};
    struct coh_verdict verdict = {.text = ""};
    struct coh_target target;

    if (ask->worker_id == 0 ||
        coh_verb_find(&helper->asker, ask, &target, &verdict)) {
        verdict.result = coh_snapshot_send(helper, ask);
    }
    outcome.result = verdict.result;
    send_outcome(helper, &outcome, verdict.text);
}

static void
on_ask(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_helper *helper = channel->user;
    const struct coh_frame_ask *ask = message->data;
    struct cohort_str data =
        cohort_str_n((const char *)(ask + 1), message->size - sizeof(*ask));

    if (ask->verb >= COH_ASK_VERB_COUNT ||
        !memchr(ask->group, '\0', sizeof(ask->group))) {
        coh_channel_reject(channel, "asks for what there is not");
    } else if (!coh_verb_ask(&helper->asker, ask, data)) {
        tell_parts(helper, ask);
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
    coh_helper_watch_heard(channel->user);
}

static void
on_ping(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_helper_watch_heard(channel->user);
}

static void
on_reopen_again(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_helper_reopen(channel->user);
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
    {
        .type = COH_FRAME_REOPEN_AGAIN,
        .name = "reopen_again",
        .states = OPEN,
        .handle = on_reopen_again,
    },
    {
        .type = COH_FRAME_PING,
        .name = "ping",
        .states = OPEN,
        .handle = on_ping,
    },
};

const struct coh_channel_role coh_asking_role = {
    .peer = "admin helper",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
    .sent = on_sent,
};
