/* Questions of the admin helper: checked, sent on to the doors of the primary,
   answered with an outcome.

   States of the channel: NEW until the helper's hello, OPEN to the end. */
#include "server/primary/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/helper_tell.h"
#include "server/primary/pending.h"
#include "server/primary/snapshot.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1
};

/* Longer reports are cut. */
#define TEXT_MAX (256 * 1024)

/* What a question comes to; WAIT: the outcome comes later. */
#define WAIT 1

struct answer {
    int result;
    uint32_t value;
    char text[160];
};

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

/* --- the whole server ------------------------------------------------------------ */

static bool
is_serving(const struct coh_primary *primary)
{
    return primary->state == COH_PRIMARY_SERVING && primary->current;
}

static void
refuse(struct answer *answer, int result, const char *text)
{
    answer->result = result;
    snprintf(answer->text, sizeof(answer->text), "%s", text);
}

/* To be answered when what it waits for has happened. */
static void
wait_for(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    answer->result = coh_pending_add(helper, ask, answer->value);
    if (answer->result < 0) {
        refuse(answer, -EAGAIN, "too many requests wait for an answer");
    } else {
        answer->result = WAIT;
    }
}

static void
scale_to(
    struct coh_helper *helper, const struct coh_frame_ask *ask, uint64_t count,
    struct answer *answer)
{
    struct coh_primary *primary = helper->primary;
    const struct coh_generation *current = primary->current;

    if (current->settings.worker_processes == 0) {
        refuse(answer, -EBUSY, "the group main has no address to listen on");
        return;
    }
    if (count == 0 || count > current->place_count ||
        count > current->settings.worker_processes_max) {
        refuse(answer, -EINVAL, "");
        snprintf(
            answer->text, sizeof(answer->text),
            "%" PRIu64 " workers: from 1 to %" PRIu32
            " are possible (worker_processes_max)",
            count, current->settings.worker_processes_max);
        return;
    }
    answer->value = (uint32_t)primary->last_worker + 1;
    wait_for(helper, ask, answer);
    if (answer->result == WAIT) {
        coh_primary_scale(primary, (unsigned)count);
        coh_pending_look(helper);
    }
}

static void
scale(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    if (!is_serving(helper->primary)) {
        refuse(answer, -EAGAIN, "the server does not serve (any more)");
    } else {
        scale_to(helper, ask, ask->value, answer);
    }
}

static void
grow(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    if (!is_serving(helper->primary)) {
        refuse(answer, -EAGAIN, "the server does not serve (any more)");
    } else {
        scale_to(
            helper, ask,
            (uint64_t)helper->primary->current->target + ask->value, answer);
    }
}

static void
reload(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    if (!is_serving(helper->primary)) {
        refuse(answer, -EAGAIN, "the server does not serve (any more)");
        return;
    }
    wait_for(helper, ask, answer);
    if (answer->result == WAIT) {
        coh_primary_reload(helper->primary);
    }
}

static void
reopen(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    (void)ask;
    coh_primary_reopen(helper->primary);
    snprintf(answer->text, sizeof(answer->text), "all log files were reopened");
}

static void
quit(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    wait_for(helper, ask, answer);
    if (answer->result == WAIT) {
        coh_primary_quit(helper->primary);
    }
}

static void
stop(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    wait_for(helper, ask, answer);
    if (answer->result == WAIT) {
        coh_primary_stop(helper->primary);
    }
}

/* --- one worker ---------------------------------------------------------------------- */

static struct coh_worker *
find_worker(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    struct coh_worker *worker =
        coh_worker_find(helper->primary, ask->worker_id);

    if (!worker) {
        answer->result = -ENOENT;
        snprintf(
            answer->text, sizeof(answer->text),
            ask->worker_id != 0 &&
                    ask->worker_id <= helper->primary->last_worker
                ? "worker %" PRIu64 " is gone"
                : "there is no worker %" PRIu64,
            ask->worker_id);
    }
    return worker;
}

static void
explain(struct answer *answer, int result)
{
    if (result == -EALREADY) {
        refuse(answer, result, "it is about to leave already");
    } else if (result == -EBUSY) {
        refuse(
            answer, result,
            "with the policy reuseport each worker has a socket of its own, "
            "where clients would wait for nobody; replace it, or scale");
    } else if (result < 0) {
        refuse(answer, result, "no worker can be started now");
    }
}

static void
disconnect(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    struct coh_worker *worker = find_worker(helper, ask, answer);

    if (worker) {
        explain(answer, coh_dismiss_disconnect(worker));
    }
}

static void
kill_worker(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    struct coh_worker *worker = find_worker(helper, ask, answer);

    if (worker && (ask->value == 0 || ask->value >= NSIG)) {
        refuse(answer, -EINVAL, "no such signal");
    } else if (worker) {
        coh_dismiss_kill(worker, (int)ask->value);
    }
}

static void
replace(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer)
{
    struct coh_worker *worker = find_worker(helper, ask, answer);
    struct coh_worker *successor = NULL;
    int result;

    if (!worker) {
        return;
    }
    result = coh_dismiss_replace(worker, &successor);
    if (result < 0) {
        explain(answer, result);
        return;
    }
    answer->value = (uint32_t)successor->id;
    wait_for(helper, ask, answer);
}

/* --- frames ------------------------------------------------------------------------------ */

static void (*const verbs[COH_ASK_VERB_COUNT])(
    struct coh_helper *helper, const struct coh_frame_ask *ask,
    struct answer *answer) = {
    [COH_ASK_SCALE] = scale,
    [COH_ASK_GROW] = grow,
    [COH_ASK_RELOAD] = reload,
    [COH_ASK_REOPEN] = reopen,
    [COH_ASK_QUIT] = quit,
    [COH_ASK_STOP] = stop,
    [COH_ASK_DISCONNECT] = disconnect,
    [COH_ASK_KILL] = kill_worker,
    [COH_ASK_REPLACE] = replace,
};

static void
on_ask(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_helper *helper = channel->user;
    const struct coh_frame_ask *ask = message->data;
    struct coh_frame_outcome outcome = {.number = ask->number};
    struct answer answer = {.text = ""};

    if (ask->verb >= COH_ASK_VERB_COUNT) {
        coh_channel_reject(channel, "asks for what there is not");
        return;
    }
    if (verbs[ask->verb]) {
        verbs[ask->verb](helper, ask, &answer);
    } else if (ask->worker_id == 0 || find_worker(helper, ask, &answer)) {
        answer.result = coh_snapshot_send(helper, ask);
    }
    if (answer.result <= 0) {
        outcome.result = answer.result;
        outcome.value = answer.value;
        coh_answer_outcome(helper, &outcome, answer.text);
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
        .max_size = sizeof(struct coh_frame_ask),
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
