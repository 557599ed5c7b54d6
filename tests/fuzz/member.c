/* A primary, and the test in the place of one of its workers' processes. */
#include "tests/fuzz/member.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/check.h"
#include "core/log.h"
#include "core/socket.h"
#include "server/cluster/listeners.h"
#include "server/cluster/member.h"
#include "server/cluster/primary.h"
#include "server/cluster/secrets.h"
#include "tests/fuzz/descriptors.h"

#define TURN_MAX 400 /* until all that follows from something has happened */

static struct cohort_primary *primary;
static struct cohort_worker *member;
static struct cohort_log quiet;
static unsigned fd_count;

/* --- nothing outside is touched ------------------------------------------- */

/* These take the place of libc's. Whatever address a worker asks for, it is
   some port of loopback, or a name that the kernel chooses; no file is made,
   changed or removed. */
int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } safe = {.any = {.sa_family = address->sa_family}};

    switch (address->sa_family) {
    case AF_INET:
        safe.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof(safe.v4);
        break;
    case AF_INET6:
        safe.v6.sin6_addr = in6addr_loopback;
        size = sizeof(safe.v6);
        break;
    default:
        size = sizeof(safe.any.sa_family);
    }
    return (int)syscall(SYS_bind, fd, &safe.any, size);
}

int
chmod(const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    return 0;
}

int
unlink(const char *path)
{
    (void)path;
    return 0;
}

/* --- the member ----------------------------------------------------------- */

static void
begin(void)
{
    primary = cohort_primary_new(NULL);
    COH_CHECK(primary != NULL);
    coh_log_init(&quiet, NULL);
    primary->cluster.log = &quiet;
    primary->sockets.log = &quiet;
}

/* As a fork makes it, but that there is no process. */
static void
make_member(const struct coh_codec *codec)
{
    struct coh_cluster *cluster = &primary->cluster;

    member = calloc(1, sizeof(*member));
    COH_CHECK(member != NULL);
    member->cluster = cluster;
    member->id = ++*cluster->last_id;
    member->report = -1;
    member->reason = COHORT_REASON_SELF;
    member->serialization = COHORT_SERIALIZATION_JSON;
    member->codec = codec;
    TAILQ_INIT(&member->seats);
    coh_child_init(&member->child, coh_member_on_exit);
    coh_outbox_init(&member->outbox, cluster->loop);
    event_assign(
        &member->later, cluster->loop->base, -1, 0, coh_member_on_later,
        member);
    TAILQ_INSERT_TAIL(&cluster->members, member, link);
    cluster->member_count++;
}

int
fuzz_member_begin(const struct coh_codec *codec)
{
    int pair[2];

    if (primary == NULL) {
        begin();
    }
    make_member(codec);
    fd_count = fuzz_count_fds();
    COH_CHECK(coh_socket_pair(codec->socket_type, pair) == 0);
    COH_CHECK(codec->open(member, pair[0], -1) == 0);
    return pair[1];
}

void
fuzz_member_run(void)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(primary->loop.base, EVLOOP_NONBLOCK);
    }
}

void
fuzz_member_end(int channel)
{
    const struct coh_exit how = {.number = 0};
    struct coh_cluster *cluster = &primary->cluster;

    close(channel);
    fuzz_member_run();
    coh_member_on_exit(&member->child, how);
    for (int i = 0; i < TURN_MAX &&
         (cluster->member_count > 0 || !TAILQ_EMPTY(&cluster->dead));
         i++) {
        event_base_loop(primary->loop.base, EVLOOP_ONCE);
    }
    coh_cluster_secrets_leave(cluster); /* they are kept for who follows */
    COH_CHECK(cluster->member_count == 0);
    COH_CHECK(TAILQ_EMPTY(&cluster->dead));
    COH_CHECK(TAILQ_EMPTY(&cluster->sites));
    COH_CHECK(TAILQ_EMPTY(&primary->sockets.list));
    COH_CHECK(fuzz_count_fds() == fd_count);
}
