/* What workers say: their frames, and the end of their channels.

   States of the channel: NEW until the worker's hello, OPEN to the end. */
#include <signal.h>

#include <cohort/cluster.h>

#include "server/primary/generation.h"
#include "server/primary/primary.h"
#include "server/primary/reload.h"
#include "server/primary/reopening.h"
#include "server/primary/worker.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1
};

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;
    const struct coh_frame_hello *hello = message->data;

    if (coh_hello_check(hello) < 0 || hello->worker_id != worker->id) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    if (message->lost_fd_count > 0 && worker->child.pidfd < 0 &&
        worker->far_end < 0) {
        coh_channel_reject(channel, "has lost the only pidfd of its process");
        return;
    }
    channel->state = OPEN;
    /* Usually the template has answered first. */
    if (message->fd_count > 0 && worker->child.pidfd < 0 &&
        worker->child.pid == 0) {
        coh_worker_born(
            worker, coh_child_pid_of(message->fds[0]), message->fds[0]);
        message->fds[0] = -1;
    }
    worker->is_online = true;
    if (worker->child.pid > 0) {
        coh_worker_tell(worker, (struct coh_event){.kind = COH_EVENT_ONLINE});
    }
}

static void
on_ready(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    if (worker->state == COH_WORKER_STARTING) {
        coh_last_words_close(&worker->words);
        worker->state = COH_WORKER_READY;
        coh_worker_tell(worker, (struct coh_event){.kind = COH_EVENT_READY});
        coh_reload_worker_ready(worker);
    }
}

static void
on_credit(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    coh_handoff_credit(&worker->peer);
}

/* What it says is for whoever listens to events; here it is not looked into. */
static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    coh_worker_tell(
        channel->user,
        (struct coh_event){
            .kind = COH_EVENT_MESSAGE,
            .message = {message->data, message->size},
        });
}

static void
on_draining(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    worker->has_left_sockets = true;
}

static void
on_reopen_again(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_reopening_worker(channel->user);
}

/* Its process ends too, soon; if it broke the rules, at once. */
static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_worker *worker = channel->user;

    (void)message;
    coh_rotation_remove(&worker->peer);
    coh_worker_tell_disconnect(worker);
    if (worker->child.pidfd >= 0) {
        coh_child_signal(
            &worker->child,
            worker->state == COH_WORKER_DRAINING ? SIGTERM : SIGKILL);
    } else if (!worker->is_in_fork_queue) {
        coh_worker_stillborn(worker);
    }
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .max_fds = 1,
        .may_lose_fds = true, /* its template answers, too */
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_READY,
        .name = "ready",
        .states = OPEN,
        .handle = on_ready,
    },
    {
        .type = COH_FRAME_CREDIT,
        .name = "credit",
        .states = OPEN,
        .handle = on_credit,
    },
    {
        .type = COH_FRAME_MESSAGE,
        .name = "message",
        .states = OPEN,
        .min_size = 1,
        .max_size = COHORT_MESSAGE_MAX,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_REOPEN_AGAIN,
        .name = "reopen_again",
        .states = OPEN,
        .handle = on_reopen_again,
    },
    {
        .type = COH_FRAME_DRAINING,
        .name = "draining",
        .states = OPEN,
        .handle = on_draining,
    },
};

const struct coh_channel_role coh_worker_role = {
    .peer = "worker",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};
