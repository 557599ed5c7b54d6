/* A member's beginning: channel, process, and what it starts with; and how all
   of it is given back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/socket.h"
#include "server/cluster/cluster.h"
#include "server/cluster/launch.h"
#include "server/cluster/listeners.h"
#include "server/cluster/member.h"

const struct coh_codec *
coh_codec_of(enum cohort_protocol protocol)
{
    switch (protocol) {
    case COHORT_PROTOCOL_NODE:
        return &coh_codec_node;
    case COHORT_PROTOCOL_LISTEN_FDS:
        return &coh_codec_listen_fds;
    default:
        return &coh_codec_native;
    }
}

static struct cohort_worker *
member_alloc(struct coh_cluster *cluster)
{
    struct cohort_worker *member = calloc(1, sizeof(*member));

    if (member == NULL) {
        return NULL;
    }
    member->cluster = cluster;
    member->report = -1;
    member->born_ms = coh_monotonic_ms();
    member->reason = COHORT_REASON_SELF;
    snprintf(
        member->program, sizeof(member->program), "%s",
        cluster->settings->shown.exec);
    member->serialization = cluster->settings->shown.serialization;
    if (cluster->settings->shown.watchdog_ms > 0) {
        member->watchdog_ms = (uint32_t)cluster->settings->shown.watchdog_ms;
    }
    member->codec = coh_codec_of(cluster->settings->shown.protocol);
    TAILQ_INIT(&member->seats);
    coh_child_init(&member->child, coh_member_on_exit);
    coh_outbox_init(&member->outbox, cluster->loop);
    event_assign(
        &member->later, cluster->loop->base, -1, 0, coh_member_on_later,
        member);
    event_assign(
        &member->deadline, cluster->loop->base, -1, 0, coh_member_on_deadline,
        member);
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
    coh_watchdog_remove(&member->watched);
    event_del(&member->later);
    event_del(&member->deadline);
    coh_outbox_fini(&member->outbox);
    coh_child_fini(&member->child);
    free(member);
}

/* Behind the last port there is, it goes on here, as Node does: workers that
   are replaced again and again do not run out of ports. */
#define INSPECT_PORT_MIN 1024

static int
inspect_port_of(unsigned first, unsigned count)
{
    unsigned port = first + count;
    unsigned range = UINT16_MAX - INSPECT_PORT_MIN + 1;

    return port <= UINT16_MAX
        ? (int)port
        : INSPECT_PORT_MIN + (int)((port - UINT16_MAX - 1) % range);
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
        port = inspect_port_of(
            (unsigned)shown->inspect_port, cluster->inspect_count++);
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
    const struct coh_codec *codec = member->codec;
    int pair[2] = {-1, -1};
    int result =
        codec->socket_type != 0 ? coh_socket_pair(codec->socket_type, pair) : 0;

    if (result == 0) {
        result = codec->open(member, pair[0], launch->inspect_port);
        if (result < 0 && pair[1] >= 0) {
            close(pair[1]);
        }
    }
    if (result < 0) {
        cohort_error(
            member->cluster->log, "cannot make a channel to a worker: %s",
            strerror(-result));
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
        if (result < 0 && far_end >= 0) {
            close(far_end);
        }
    }
    if (result < 0) {
        return result;
    }
    result = coh_launch_run(launch);
    coh_cluster_stdio_close_theirs(&launch->stdio);
    if (result == 0) {
        result = coh_child_watch_or_end(
            &member->child, cluster->loop, launch->pid, launch->pidfd);
        member->report = launch->report;
    }
    if (result == 0 && member->codec->started != NULL) {
        member->codec->started(member);
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
        cohort_error(cluster->log, "cannot fork: out of memory");
        return -ENOMEM;
    }
    member->id = atomic_fetch_add(cluster->last_id, 1) + 1;
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
        coh_member_leave_sites(member, true);
        coh_member_close_line(member);
    }
    if (!member->has_exited) {
        coh_child_signal(&member->child, SIGKILL);
        waitid(P_PIDFD, (id_t)member->child.pidfd, NULL, WEXITED);
    }
    member_free(member);
}

void
coh_member_forget(struct cohort_worker *member)
{
    int fds[] = {member->child.pidfd, member->report};

    if (member->line != NULL && member->codec->forget != NULL) {
        member->codec->forget(member);
    }
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    for (unsigned i = 0; i < member->stdio_count; i++) {
        if (member->stdio[i] >= 0) {
            close(member->stdio[i]);
        }
    }
}
