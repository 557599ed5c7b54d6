/* The codec of programs that are given their sockets and say nothing: what
   systemd calls socket activation. There is no channel; what is known of them
   is what the kernel tells. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"

struct silent {
    struct cohort_worker *member;
    struct event started; /* the report of its start has ended */
    /* What it is given. By the time that it runs, settings are perhaps others,
       and descriptors of the primary are closed. */
    size_t socket_count;
    struct coh_query sockets[];
};

/* False: it is none that is listened on. */
static bool
look_at_socket(int fd, struct coh_query *query)
{
    int type = SOCK_STREAM;
    socklen_t size = sizeof(type);

    *query = (struct coh_query){.fd = -1, .has_host = true};
    if (coh_addr_of_socket(fd, &query->address) < 0) {
        return false;
    }
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    query->is_udp = type == SOCK_DGRAM;
    return true;
}

static void
look_at_sockets(struct silent *silent, const struct cohort_settings *shown)
{
    for (size_t i = 3; i < shown->stdio_count; i++) {
        if (shown->stdio[i].kind == COHORT_STDIO_FD &&
            look_at_socket(
                shown->stdio[i].fd, &silent->sockets[silent->socket_count])) {
            silent->socket_count++;
        }
    }
}

/* What it was given it listens on, as far as anybody can know. */
static void
start_listening(const struct silent *silent)
{
    struct cohort_worker *member = silent->member;

    member->state = COHORT_WORKER_LISTENING;
    for (size_t i = 0; i < silent->socket_count; i++) {
        const struct coh_query *query = &silent->sockets[i];
        struct coh_cluster_event event = {
            .kind = COH_CLUSTER_LISTENING, .member = member};

        coh_member_ready(member);
        coh_query_describe(query, &query->address, &event.address, event.host);
        coh_cluster_tell(member->cluster, &event);
    }
}

/* The pipe has ended without a word: the program runs. */
static void
on_started(evutil_socket_t fd, short what, void *user)
{
    struct silent *silent = user;
    int size = 0;

    (void)what;
    if (ioctl(fd, FIONREAD, &size) == 0 && size == 0) {
        coh_member_online(silent->member);
        start_listening(silent);
    }
}

static int
listen_fds_open(struct cohort_worker *member, int fd, int inspect_port)
{
    const struct cohort_settings *shown = &member->cluster->settings->shown;
    struct silent *silent = calloc(
        1, sizeof(*silent) + shown->stdio_count * sizeof(silent->sockets[0]));

    (void)fd;
    (void)inspect_port;
    if (silent == NULL) {
        return -ENOMEM;
    }
    silent->member = member;
    look_at_sockets(silent, shown);
    event_assign(
        &silent->started, member->cluster->loop->base, -1, 0, on_started,
        silent);
    member->line = silent;
    return 0;
}

static void
listen_fds_started(struct cohort_worker *member)
{
    struct silent *silent = member->line;

    event_assign(
        &silent->started, member->cluster->loop->base, member->report, EV_READ,
        on_started, silent);
    event_add(&silent->started, NULL);
}

static void
listen_fds_close(struct cohort_worker *member)
{
    struct silent *silent = member->line;

    event_del(&silent->started);
    free(silent);
}

static bool
listen_fds_flush(struct cohort_worker *member)
{
    (void)member;
    return true;
}

static int
listen_fds_send(
    struct cohort_worker *member, struct cohort_str message, int fd,
    uint64_t *mark)
{
    (void)member;
    (void)message;
    (void)fd;
    (void)mark;
    return -EOPNOTSUPP;
}

/* The one word that all programs understand. */
static int
listen_fds_leave(struct cohort_worker *member)
{
    coh_child_signal(&member->child, SIGTERM);
    return 0;
}

const struct coh_codec coh_codec_listen_fds = {
    .open = listen_fds_open,
    .started = listen_fds_started,
    .close = listen_fds_close,
    .flush = listen_fds_flush,
    .send = listen_fds_send,
    .leave = listen_fds_leave,
};
