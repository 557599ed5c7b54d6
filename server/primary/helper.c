/* The admin helper's process: started, told, started anew. */
#include "server/primary/helper.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "core/socket.h"
#include "server/primary/admin_sockets.h"
#include "server/primary/answer.h"
#include "server/primary/generation.h"
#include "server/primary/helper_tell.h"
#include "server/primary/pending.h"
#include "server/process/helper.h"
#include "server/process/spawn.h"

#define RETRY_MS 1000 /* when it cannot even be started */

static void start(struct coh_helper *helper);

/* --- its beginning -------------------------------------------------------- */

/* In the child: go on as the helper. */
static void
become_helper(void *user, int channel, pid_t parent)
{
    struct coh_helper *helper = user;
    const struct coh_program *program = helper->primary->program;
    char name[] = "cohort";
    char *words[] = {name, NULL};
    char text[64];

    if (coh_helper_log_fd(helper) != STDERR_FILENO) {
        dup2(coh_helper_log_fd(helper), STDERR_FILENO);
    }
    if (program->is_forked) {
        struct coh_helper_birth birth = {.channel = channel, .primary = parent};

        coh_primary_forget(helper->primary);
        _exit(program->run_helper(&birth));
    }
    snprintf(text, sizeof(text), "%d:%d", channel, (int)parent);
    setenv(COH_HELPER_ENVIRONMENT, text, 1);
    coh_spawn_self(words, &channel, 1);
    _exit(127);
}

/* 0 or -errno. */
static int
fork_helper(struct coh_helper *helper)
{
    struct coh_loop *loop = &helper->primary->loop;
    int ends[2];
    int result = coh_socket_pair(SOCK_SEQPACKET, ends);

    if (result == 0) {
        result =
            coh_child_fork(&helper->child, loop, ends, become_helper, helper);
    }
    if (result < 0) {
        return result;
    }
    helper->is_running = true;
    return coh_channel_init(
        &helper->channel, loop, ends[0], &coh_asking_role, helper,
        &helper->primary->log);
}

static void
start(struct coh_helper *helper)
{
    int result;

    if (helper->is_running || helper->is_ending ||
        event_pending(&helper->retry, EV_TIMEOUT, NULL)) {
        return;
    }
    helper->is_leaving = false;
    helper->born_ms = coh_monotonic_ms();
    result = fork_helper(helper);
    if (result < 0) {
        cohort_error(
            &helper->primary->log, "cannot start the admin helper: %s",
            strerror(-result));
        coh_child_signal(&helper->child, SIGKILL);
        if (!helper->is_running) {
            coh_event_add_ms(&helper->retry, RETRY_MS);
        }
        return;
    }
    coh_helper_watch_begin(helper);
    coh_helper_tell_first(helper);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_helper *helper = user;

    (void)fd;
    (void)what;
    start(helper);
}

/* --- its end -------------------------------------------------------------- */

static void
log_end(struct coh_helper *helper, struct coh_exit how, uint64_t delay_ms)
{
    cohort_alert(
        &helper->primary->log,
        "the admin helper (process %d) ended with %s %d; the next one starts "
        "in %u ms",
        (int)helper->child.pid, how.is_signal ? "signal" : "code", how.number,
        (unsigned)delay_ms);
}

static void
replace(struct coh_helper *helper, struct coh_exit how)
{
    uint64_t delay_ms = coh_respawn_delay(
        &helper->respawn, coh_monotonic_ms() - helper->born_ms);

    log_end(helper, how, delay_ms);
    if (delay_ms > 0) {
        coh_event_add_ms(&helper->retry, delay_ms);
    } else {
        start(helper);
    }
}

static void
on_ended(struct coh_child *child, struct coh_exit how)
{
    struct coh_helper *helper =
        (struct coh_helper
             *)((char *)child - offsetof(struct coh_helper, child));

    event_del(&helper->deadline);
    coh_helper_watch_end(helper);
    coh_channel_fini(&helper->channel);
    coh_pending_drop(&helper->asker);
    helper->is_running = false;
    if (helper->is_ending) {
        coh_primary_end_if_alone(helper->primary);
    } else if (!helper->is_leaving) {
        replace(helper, how);
    } else if (helper->settings.count > 0) {
        start(helper);
    }
}

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct coh_helper *helper = user;

    (void)fd;
    (void)what;
    coh_child_signal(&helper->child, SIGKILL);
}

/* It finishes its answers and leaves. */
static void
end(struct coh_helper *helper)
{
    event_del(&helper->retry);
    coh_helper_watch_end(helper);
    if (helper->is_running) {
        coh_helper_tell_leave(helper);
        coh_event_add_ms(
            &helper->deadline, coh_departure_rest_ms(helper->primary));
    }
}

bool
coh_helper_end(struct coh_helper *helper)
{
    if (!helper->is_ending) {
        helper->is_ending = true;
        end(helper);
    }
    return !helper->is_running;
}

/* --- generations ---------------------------------------------------------- */

void
coh_helper_commit(struct coh_helper *helper, struct coh_generation *generation)
{
    coh_admin_sockets_adopt(helper, generation);
    coh_helper_watch_set(helper, &generation->settings);
    if (helper->settings.count == 0) {
        helper->is_leaving = true;
        end(helper);
    } else if (helper->is_running) {
        coh_helper_tell_settings(helper);
        coh_helper_reopen(helper);
    } else {
        start(helper);
    }
}

/* --- the whole ------------------------------------------------------------ */

struct coh_helper *
coh_helper_new(struct coh_primary *primary)
{
    struct coh_helper *helper = calloc(1, sizeof(*helper));

    if (!helper) {
        return NULL;
    }
    helper->primary = primary;
    helper->start_ms = coh_realtime_ms();
    helper->channel.fd = -1;
    helper->asker = (struct coh_asker){
        .primary = primary, .on_outcome = coh_answer_outcome};
    coh_child_init(&helper->child, on_ended);
    event_assign(&helper->retry, primary->loop.base, -1, 0, on_retry, helper);
    event_assign(
        &helper->deadline, primary->loop.base, -1, 0, on_deadline, helper);
    coh_helper_watch_init(helper);
    helper->reader = (struct coh_event_reader){
        .on_event = coh_helper_on_event, .user = helper};
    STAILQ_INSERT_TAIL(&primary->readers, &helper->reader, link);
    return helper;
}

void
coh_helper_free(struct coh_helper *helper)
{
    if (!helper) {
        return;
    }
    event_del(&helper->retry);
    event_del(&helper->deadline);
    coh_helper_watch_end(helper);
    coh_pending_drop(&helper->asker);
    coh_channel_fini(&helper->channel);
    coh_child_fini(&helper->child);
    coh_history_fini(&helper->history);
    free(helper);
}

void
coh_helper_forget(struct coh_helper *helper)
{
    coh_channel_forget(&helper->channel);
    if (helper->child.pidfd >= 0) {
        close(helper->child.pidfd);
    }
}
