/* A member from its fork to its end. */
#include "server/cluster/member.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event.h"
#include "core/socket.h"
#include "server/cluster/cluster.h"
#include "server/cluster/launch.h"
#include "server/cluster/listeners.h"
#include "server/cluster/site.h"
#include "server/cluster/text.h"

/* SIGKILL follows SIGTERM after this long. */
#define KILL_MS 1000

/* A channel whose process has ended is closed after this long. */
#define LINGER_MS 250

/* --- telling -------------------------------------------------------------- */

static void
tell(struct cohort_worker *member, enum coh_cluster_event_kind kind)
{
    coh_cluster_tell_kind(member->cluster, kind, member);
}

static void
tell_error(struct cohort_worker *member, int error, const char *what)
{
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_ERROR,
        .member = member,
        .error = error,
    };

    snprintf(event.what, sizeof(event.what), "%s", what);
    coh_cluster_tell(member->cluster, &event);
}

void
coh_member_told(struct cohort_worker *member)
{
    member->event_count--;
}

/* --- its end -------------------------------------------------------------- */

static void
wait_ms(struct cohort_worker *member, unsigned milliseconds)
{
    const struct timeval delay = {
        .tv_sec = milliseconds / 1000,
        .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000,
    };

    event_add(&member->later, &delay);
}

/* The report says whether the program was ever started. */
static void
read_report(struct cohort_worker *member)
{
    struct coh_launch_failure failure;
    char what[sizeof(failure.what) + sizeof(member->program)];

    if (member->report < 0) {
        return;
    }
    if (coh_launch_failed(member->report, &failure)) {
        snprintf(what, sizeof(what), "%s %s", failure.what, member->program);
        member->is_stillborn = true;
        member->pid = -1;
        tell_error(member, failure.error, what);
    }
    close(member->report);
    member->report = -1;
}

static enum cohort_reason
reason_of(const struct cohort_worker *member)
{
    if (member->reason != COHORT_REASON_SELF) {
        return member->reason;
    }
    return member->how.is_signal ? COHORT_REASON_CRASH : COHORT_REASON_SELF;
}

static void
tell_exit(struct cohort_worker *member)
{
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_EXIT,
        .member = member,
        .how = {.code = -1, .reason = reason_of(member)},
    };

    if (member->how.is_signal) {
        event.how.signal = member->how.number;
    } else {
        event.how.code = member->how.number;
    }
    coh_cluster_tell(member->cluster, &event);
}

/* Channel and process have both ended. */
static void
end(struct cohort_worker *member)
{
    struct coh_cluster *cluster = member->cluster;

    event_del(&member->later);
    member->state = COHORT_WORKER_DEAD;
    if (!member->is_stillborn) {
        tell_exit(member);
    }
    TAILQ_REMOVE(&cluster->members, member, link);
    cluster->member_count--;
    TAILQ_INSERT_TAIL(&cluster->dead, member, link);
    coh_cluster_tell_later(cluster);
}

static void
leave_sites(struct cohort_worker *member, bool is_dead)
{
    struct coh_seat *seat = TAILQ_FIRST(&member->seats);

    while (seat != NULL) {
        struct coh_seat *next = TAILQ_NEXT(seat, member_link);

        coh_site_leave(seat, is_dead);
        seat = next;
    }
}

void
coh_member_lost(struct cohort_worker *member)
{
    leave_sites(member, true);
    if (member->line != NULL) {
        member->codec->close(member);
        member->line = NULL;
    }
    member->is_hung_up = false;
    read_report(member);
    coh_outbox_end(&member->outbox);
    if (member->leaving == COHORT_LEAVING_UNKNOWN) {
        member->leaving = COHORT_LEAVING_ACCIDENTAL;
    }
    member->state = COHORT_WORKER_DISCONNECTED;
    tell(member, COH_CLUSTER_DISCONNECT);
    if (member->has_exited) {
        end(member);
    }
}

static void
on_exit_of_child(struct coh_child *child, struct coh_exit how)
{
    struct cohort_worker *member =
        (struct cohort_worker
             *)((char *)child - offsetof(struct cohort_worker, child));

    member->has_exited = true;
    member->how = how;
    event_del(&member->later);
    if (member->state == COHORT_WORKER_DISCONNECTED) {
        end(member);
    } else {
        wait_ms(member, LINGER_MS); /* for what it said last */
    }
}

/* A deadline is over. */
static void
on_later(evutil_socket_t fd, short what, void *user)
{
    struct cohort_worker *member = user;

    (void)fd;
    (void)what;
    if (member->has_exited || member->is_hung_up) {
        coh_member_lost(member);
    } else if (member->reason != COHORT_REASON_STUCK) {
        cohort_warn(
            member->cluster->log,
            "worker %llu (process %d) does not leave in time: SIGTERM",
            (unsigned long long)member->id, member->pid);
        coh_member_kill(member, SIGTERM, COHORT_REASON_STUCK);
        wait_ms(member, KILL_MS);
    } else {
        coh_member_kill(member, SIGKILL, COHORT_REASON_STUCK);
    }
}

/* --- what doors ask for --------------------------------------------------- */

void
coh_member_disconnect(struct cohort_worker *member, unsigned timeout_ms)
{
    bool is_first = !member->is_leaving;

    if (member->has_exited) {
        return;
    }
    member->is_leaving = true;
    if (member->line != NULL && is_first) {
        member->leaving = COHORT_LEAVING_VOLUNTARY;
        if (member->reason == COHORT_REASON_SELF) {
            member->reason = COHORT_REASON_DISCONNECT;
        }
        leave_sites(member, false);
        member->codec->leave(member);
    }
    if (timeout_ms > 0 && !member->is_hung_up) {
        wait_ms(member, timeout_ms);
    }
}

/* Signals that end no process by themselves. */
static bool
is_harmless(int number)
{
    return number == SIGCONT || number == SIGSTOP || number == SIGTSTP ||
        number == SIGTTIN || number == SIGTTOU || number == SIGCHLD ||
        number == SIGURG || number == SIGWINCH;
}

int
coh_member_kill(
    struct cohort_worker *member, int number, enum cohort_reason reason)
{
    if (number <= 0 || number >= NSIG) {
        return -EINVAL;
    }
    if (member->has_exited) {
        return 0;
    }
    if (pidfd_send_signal(member->child.pidfd, number, NULL, 0) < 0) {
        return errno == ESRCH ? 0 : -errno;
    }
    if (!is_harmless(number)) {
        member->leaving = COHORT_LEAVING_VOLUNTARY;
        member->reason = reason;
    }
    return 0;
}

void
coh_member_hang_up(struct cohort_worker *member)
{
    if (member->line == NULL || member->is_hung_up) {
        return;
    }
    member->is_hung_up = true;
    if (member->codec->flush != NULL) {
        member->codec->flush(member);
    }
    leave_sites(member, true);
    member->codec->close(member);
    member->line = NULL;
    wait_ms(member, 0); /* told from the loop */
}

int
coh_member_send(
    struct cohort_worker *member, struct cohort_str message,
    const struct cohort_send *options)
{
    uint64_t mark = 0;
    int fd = options != NULL ? options->fd : -1;
    int result = coh_message_check(member->serialization, message);

    if (result < 0) {
        return result;
    }
    if (member->line == NULL) {
        return -EPIPE;
    }
    result = member->codec->send(member, message, fd, &mark);
    if (result < 0) {
        return result;
    }
    if (fd >= 0 && !options->keep_open) {
        close(fd);
    }
    if (options != NULL && options->on_sent != NULL) {
        coh_outbox_add(&member->outbox, mark, options->on_sent, options->user);
    }
    return result;
}

/* --- what codecs tell ----------------------------------------------------- */

void
coh_member_online(struct cohort_worker *member)
{
    if (member->state == COHORT_WORKER_NONE) {
        member->state = COHORT_WORKER_ONLINE;
        tell(member, COH_CLUSTER_ONLINE);
    }
}

void
coh_member_message(
    struct cohort_worker *member, struct cohort_str text, int *fd)
{
    struct cohort_message message = {
        .data = text.data,
        .size = text.size,
        .fd = *fd,
    };
    const struct coh_cluster_event event = {
        .kind = COH_CLUSTER_MESSAGE,
        .member = member,
        .message = &message,
    };

    coh_cluster_tell_now(member->cluster, &event);
    *fd = message.fd;
}

void
coh_member_query(
    struct cohort_worker *member, uint64_t request,
    const struct coh_query *query)
{
    char why[COH_LISTENER_WHY_MAX] = "";
    struct coh_codec_answer answer = {.request = request, .why = why};

    if (member->is_leaving) {
        answer.result = -ECANCELED;
    } else {
        answer.result = coh_site_join(member, query, &answer.seat, why);
    }
    if (answer.result < 0 && answer.result != -ECANCELED) {
        cohort_info(
            member->cluster->log, "worker %llu: %s",
            (unsigned long long)member->id, why);
    }
    if (member->codec->answer(member, &answer) < 0) {
        /* It would wait for ever: it reads nothing, or asks without end. */
        cohort_error(
            member->cluster->log,
            "closing the channel to worker %llu: it takes no answers",
            (unsigned long long)member->id);
        coh_member_hang_up(member);
    } else if (answer.seat != NULL) {
        coh_seat_open(answer.seat);
    }
}

void
coh_member_listening(struct coh_seat *seat)
{
    struct cohort_worker *member = seat->member;
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_LISTENING,
        .member = member,
    };

    member->state = COHORT_WORKER_LISTENING;
    coh_query_describe(
        &seat->site->query, &seat->site->bound, &event.address, event.host);
    coh_cluster_tell(member->cluster, &event);
}

void
coh_member_closed(struct coh_seat *seat)
{
    coh_site_leave(seat, false);
}

void
coh_member_leaving(struct cohort_worker *member, bool is_kill)
{
    member->is_leaving = true;
    member->leaving = COHORT_LEAVING_VOLUNTARY;
    if (member->reason == COHORT_REASON_SELF) {
        member->reason =
            is_kill ? COHORT_REASON_KILL : COHORT_REASON_DISCONNECT;
    }
}

/* --- beginning and end ---------------------------------------------------- */

static struct cohort_worker *
member_alloc(struct coh_cluster *cluster)
{
    struct cohort_worker *member = calloc(1, sizeof(*member));

    if (member == NULL) {
        return NULL;
    }
    member->cluster = cluster;
    member->report = -1;
    member->reason = COHORT_REASON_SELF;
    snprintf(
        member->program, sizeof(member->program), "%s",
        cluster->settings->shown.exec);
    member->serialization = cluster->settings->shown.serialization;
    member->codec = cluster->settings->shown.protocol == COHORT_PROTOCOL_NODE
        ? &coh_codec_node
        : &coh_codec_native;
    TAILQ_INIT(&member->seats);
    coh_child_init(&member->child, on_exit_of_child);
    coh_outbox_init(&member->outbox, cluster->loop);
    event_assign(&member->later, cluster->loop->base, -1, 0, on_later, member);
    return member;
}

static void
member_free(struct cohort_worker *member)
{
    for (unsigned i = 0; i < member->stdio_count; i++) {
        if (member->stdio[i] >= 0) {
            close(member->stdio[i]);
        }
    }
    if (member->report >= 0) {
        close(member->report);
    }
    coh_listeners_forget(member);
    event_del(&member->later);
    coh_outbox_fini(&member->outbox);
    coh_child_fini(&member->child);
    free(member);
}

/* -1: none; -EINVAL when the program's function gives what is no port. */
static int
next_inspect_port(struct coh_cluster *cluster)
{
    const struct cohort_settings *shown = &cluster->settings->shown;
    int port;

    if (shown->inspect_port_next != NULL) {
        port = shown->inspect_port_next(shown->inspect_port_user);
    } else if (shown->inspect_port <= 0) {
        return -1;
    } else {
        port = shown->inspect_port + (int)cluster->inspect_count++;
    }
    if (port < 1 || port > UINT16_MAX) {
        cohort_error(
            cluster->log, "cannot fork: inspect port %d is none (1 to 65535)",
            port);
        return -EINVAL;
    }
    return port;
}

/* The channel has our first words in it before the program runs. */
static int
open_line(struct cohort_worker *member, struct coh_launch *launch, int *far_end)
{
    int pair[2];
    int result = coh_socket_pair(member->codec->socket_type, pair);

    if (result < 0) {
        return result;
    }
    result = member->codec->open(member, pair[0], launch->inspect_port);
    if (result < 0) {
        close(pair[1]);
        return result;
    }
    *far_end = pair[1];
    return 0;
}

static int
launch(struct cohort_worker *member, struct coh_launch *launch)
{
    struct coh_cluster *cluster = member->cluster;
    int far_end = -1;
    int result = open_line(member, launch, &far_end);

    if (result == 0) {
        result = coh_cluster_stdio_open(
            &launch->stdio, cluster->settings, far_end, cluster->log);
        if (result < 0) {
            close(far_end);
        }
    }
    if (result < 0) {
        return result;
    }
    result = coh_launch_run(launch);
    coh_cluster_stdio_close_theirs(&launch->stdio);
    if (result == 0) {
        result = coh_child_watch(
            &member->child, cluster->loop, launch->pid, launch->pidfd);
        member->report = launch->report;
    }
    if (result < 0) {
        cohort_error(
            cluster->log, "cannot make a process: %s", strerror(-result));
        coh_cluster_stdio_close(&launch->stdio);
    }
    return result;
}

static void
keep_stdio(struct cohort_worker *member, const struct coh_cluster_stdio *stdio)
{
    member->stdio_count = stdio->count;
    memcpy(member->stdio, stdio->ours, stdio->count * sizeof(member->stdio[0]));
}

int
coh_member_new(
    struct coh_cluster *cluster, const char *const *environment,
    struct cohort_worker **made)
{
    struct coh_launch start = {
        .settings = cluster->settings,
        .environment = environment,
        .inspect_port = next_inspect_port(cluster),
    };
    struct cohort_worker *member;
    int result;

    if (start.inspect_port == -EINVAL) {
        return -EINVAL;
    }
    member = member_alloc(cluster);
    if (member == NULL) {
        return -ENOMEM;
    }
    member->id = ++*cluster->last_id;
    start.worker_id = member->id;
    result = launch(member, &start);
    if (result < 0) {
        if (member->line != NULL) {
            member->codec->close(member);
        }
        member_free(member);
        return result;
    }
    member->pid = start.pid;
    keep_stdio(member, &start.stdio);
    TAILQ_INSERT_TAIL(&cluster->members, member, link);
    cluster->member_count++;
    *made = member;
    return 0;
}

void
coh_member_destroy(struct cohort_worker *member)
{
    if (member->line != NULL) {
        leave_sites(member, true);
        member->codec->close(member);
        member->line = NULL;
    }
    if (!member->has_exited) {
        coh_child_signal(&member->child, SIGKILL);
        waitid(P_PIDFD, (id_t)member->child.pidfd, NULL, WEXITED);
    }
    member_free(member);
}
