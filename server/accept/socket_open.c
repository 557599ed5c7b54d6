/* One listening socket: made, bound, given its options. */
#include "server/accept/socket_open.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/socket.h"
#include "server/accept/holder.h"

/* How long the kernel may hold a deferred connection back, in seconds. */
#define DEFER_S 1

/* --- options -------------------------------------------------------------- */

/* One option: how it is set and what it is called in the configuration. */
struct option {
    const char *name;
    int level;
    int option;
    int value;
    bool is_wanted;
};

#define OPTION_COUNT 8

/* Those that can change at any time; was: what the socket has. */
static void
list_options(
    const struct cohort_listen_options *now,
    const struct cohort_listen_options *was, bool is_tcp,
    struct option options[OPTION_COUNT])
{
    const struct option list[OPTION_COUNT] = {
        {"rcvbuf", SOL_SOCKET, SO_RCVBUF, now->rcvbuf, now->rcvbuf > 0},
        {"sndbuf", SOL_SOCKET, SO_SNDBUF, now->sndbuf, now->sndbuf > 0},
        {"so_keepalive", SOL_SOCKET, SO_KEEPALIVE, now->keepalive > 0,
         is_tcp && (now->keepalive != 0 || was->keepalive != 0)},
        {"so_keepalive", IPPROTO_TCP, TCP_KEEPIDLE, now->keepalive_idle_s,
         is_tcp && now->keepalive_idle_s > 0},
        {"so_keepalive", IPPROTO_TCP, TCP_KEEPINTVL, now->keepalive_interval_s,
         is_tcp && now->keepalive_interval_s > 0},
        {"so_keepalive", IPPROTO_TCP, TCP_KEEPCNT, now->keepalive_count,
         is_tcp && now->keepalive_count > 0},
        {"deferred", IPPROTO_TCP, TCP_DEFER_ACCEPT, now->deferred ? DEFER_S : 0,
         is_tcp && (now->deferred || was->deferred)},
        {"fastopen", IPPROTO_TCP, TCP_FASTOPEN, now->fastopen,
         is_tcp && (now->fastopen > 0 || was->fastopen > 0)},
    };

    memcpy(options, list, sizeof(list));
}

/* 0, or -errno and which it was. */
static int
set_options(
    int fd, const struct cohort_listen_options *now,
    const struct cohort_listen_options *was, bool is_tcp, const char **name)
{
    struct option options[OPTION_COUNT];
    int result = 0;

    list_options(now, was, is_tcp, options);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        int one = !options[i].is_wanted
            ? 0
            : coh_socket_option(
                  fd, options[i].level, options[i].option, options[i].value);

        if (one < 0 && result == 0) {
            result = one;
            *name = options[i].name;
        }
    }
    return result;
}

static int
backlog_of(const struct cohort_listen_options *options)
{
    return options->backlog > 0 ? options->backlog : COH_LISTENER_BACKLOG;
}

void
coh_socket_apply(
    int fd, const struct coh_addr *address,
    const struct cohort_listen_options *options,
    const struct cohort_listen_options *before, struct cohort_log *log)
{
    bool is_tcp = address->u.any.sa_family != AF_UNIX;
    char text[COH_ADDR_TEXT_MAX];
    const char *name = "backlog";
    int result = set_options(fd, options, before, is_tcp, &name);

    if (result == 0 && backlog_of(options) != backlog_of(before) &&
        listen(fd, backlog_of(options)) < 0) {
        result = -errno;
    }
    if (result < 0) {
        cohort_warn(
            log, "cannot set %s of %s: %s", name,
            coh_addr_format(address, text), strerror(-result));
    }
}

/* --- what went wrong ------------------------------------------------------ */

static int
fail(
    const struct coh_listen_request *request, int reason, const char *advice,
    char why[COH_LISTENER_WHY_MAX])
{
    char address[COH_ADDR_TEXT_MAX];

    snprintf(
        why, COH_LISTENER_WHY_MAX, "cannot listen on %s: %s%s%s",
        coh_addr_format(&request->address, address), strerror(-reason),
        advice[0] != '\0' ? "; " : "", advice);
    return reason;
}

static int
fail_in_use(
    const struct coh_listen_request *request, char why[COH_LISTENER_WHY_MAX])
{
    char address[COH_ADDR_TEXT_MAX];
    char holder[COH_HOLDER_MAX];
    struct stat status;

    if (request->address.u.any.sa_family == AF_UNIX &&
        lstat(request->address.u.local.sun_path, &status) == 0 &&
        !S_ISSOCK(status.st_mode)) {
        return fail(
            request, -EADDRINUSE, "what is there is no socket; move it away",
            why);
    }
    snprintf(
        why, COH_LISTENER_WHY_MAX,
        "cannot listen on %s: address already in use by %s; stop that or "
        "choose another address",
        coh_addr_format(&request->address, address),
        coh_holder_find(&request->address, holder));
    return -EADDRINUSE;
}

static int
fail_forbidden(
    const struct coh_listen_request *request, char why[COH_LISTENER_WHY_MAX])
{
    char address[COH_ADDR_TEXT_MAX];
    unsigned first = coh_unprivileged_port();

    if (coh_addr_port(&request->address) >= first) {
        return fail(request, -EACCES, "a security policy may forbid it", why);
    }
    snprintf(
        why, COH_LISTENER_WHY_MAX,
        "cannot listen on %s: a port below %u needs the right "
        "CAP_NET_BIND_SERVICE; start as root, give it to the binary (setcap "
        "cap_net_bind_service=+ep), or choose a port from %u",
        coh_addr_format(&request->address, address), first, first);
    return -EACCES;
}

static int
fail_bind(
    const struct coh_listen_request *request, int reason,
    char why[COH_LISTENER_WHY_MAX])
{
    bool is_unix = request->address.u.any.sa_family == AF_UNIX;

    switch (reason) {
    case -EADDRINUSE:
        return fail_in_use(request, why);
    case -EACCES:
    case -EPERM:
        return is_unix
            ? fail(request, reason, "its folder must be writable for us", why)
            : fail_forbidden(request, why);
    case -EADDRNOTAVAIL:
        return fail(
            request, reason,
            "no interface of this machine has it (see \"ip address\")", why);
    case -ENOENT:
        return fail(request, reason, "make the folder first", why);
    default:
        return fail(request, reason, "", why);
    }
}

/* --- unix sockets --------------------------------------------------------- */

static bool
is_refused(const struct coh_addr *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool result;

    if (probe < 0) {
        return false;
    }
    result = connect(probe, &address->u.any, address->size) < 0 &&
        errno == ECONNREFUSED;
    close(probe);
    return result;
}

/* A socket file whose server is gone refuses connections; so does that of one
   which is about to listen, and is asked about first: it may do so now. */
static bool
is_stale(const struct coh_addr *address)
{
    struct stat status;

    return lstat(address->u.local.sun_path, &status) == 0 &&
        S_ISSOCK(status.st_mode) && !coh_holder_is_coming(address) &&
        is_refused(address);
}

static int
bind_unix(int fd, const struct coh_listen_request *request)
{
    const struct coh_addr *address = &request->address;
    const char *path = address->u.local.sun_path;

    /* Never more open than asked for, not even before the chmod. */
    if (request->options.mode != 0 && fchmod(fd, request->options.mode) < 0) {
        return -errno;
    }
    if (bind(fd, &address->u.any, address->size) < 0) {
        if (errno != EADDRINUSE) {
            return -errno;
        }
        if (!is_stale(address)) {
            return -EADDRINUSE;
        }
        if (unlink(path) < 0 || bind(fd, &address->u.any, address->size) < 0) {
            return -errno;
        }
    }
    if (request->options.mode != 0 && chmod(path, request->options.mode) < 0) {
        return -errno;
    }
    return 0;
}

/* --- TCP ------------------------------------------------------------------ */

/* The kernel lets sockets with SO_REUSEPORT share an address. It is set only
   after the bind, so that the address of another instance is still refused,
   and yet sockets of ours can join later. */
static int
bind_tcp(int fd, const struct coh_listen_request *request, bool will_join)
{
    const struct coh_addr *address = &request->address;
    int result = coh_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (result == 0 && address->u.any.sa_family == AF_INET6) {
        result = coh_socket_option(
            fd, IPPROTO_IPV6, IPV6_V6ONLY, request->options.ipv6only);
    }
    if (result == 0) {
        /* On the listener: accepted sockets inherit it. */
        result = coh_socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (result == 0 && will_join) {
        result = coh_socket_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (result == 0 && bind(fd, &address->u.any, address->size) < 0) {
        result = -errno;
    }
    if (result == 0 && !will_join) {
        result = coh_socket_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    return result;
}

static int
bind_and_listen(
    int fd, const struct coh_listen_request *request, bool will_join,
    char why[COH_LISTENER_WHY_MAX])
{
    static const struct cohort_listen_options none;
    bool is_tcp = request->address.u.any.sa_family != AF_UNIX;
    const char *name = "";
    int result = set_options(fd, &request->options, &none, is_tcp, &name);

    if (result < 0) {
        return fail(request, result, name, why);
    }
    result = is_tcp ? bind_tcp(fd, request, will_join) : bind_unix(fd, request);
    if (result == 0 && listen(fd, backlog_of(&request->options)) < 0) {
        result = -errno;
    }
    return result < 0 ? fail_bind(request, result, why) : 0;
}

int
coh_socket_open(
    const struct coh_listen_request *request, bool will_join,
    char why[COH_LISTENER_WHY_MAX])
{
    int fd = socket(
        request->address.u.any.sa_family,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0 && errno == EAFNOSUPPORT) {
        return fail(
            request, -EAFNOSUPPORT, "this kernel has IPv6 switched off", why);
    }
    if (fd < 0) {
        return fail(request, -errno, "", why);
    }
    result = bind_and_listen(fd, request, will_join, why);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}
