/* A listening address and its sockets, in the primary. */
#include "server/accept/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/socket.h"
#include "server/accept/emptying.h"
#include "server/accept/socket_open.h"

static bool
is_unix(const struct coh_addr *address)
{
    return address->u.any.sa_family == AF_UNIX;
}

void
coh_listeners_init(struct coh_listeners *set, struct cohort_log *log)
{
    TAILQ_INIT(&set->list);
    set->log = log;
    set->inherited = (struct coh_inherited){.array = NULL};
}

/* --- unix sockets' files -------------------------------------------------- */

static void
remember_file(struct coh_listener *listener)
{
    struct stat status;

    if (is_unix(&listener->address) &&
        lstat(listener->address.u.local.sun_path, &status) == 0) {
        listener->file_device = status.st_dev;
        listener->file_number = status.st_ino;
    }
}

/* Another instance may have put its own there since. */
static bool
has_file(const struct coh_listener *listener)
{
    struct stat status;

    return listener->file_number != 0 &&
        lstat(listener->address.u.local.sun_path, &status) == 0 &&
        status.st_dev == listener->file_device &&
        status.st_ino == listener->file_number;
}

int
coh_listener_move(struct coh_listener *listener, const char *path)
{
    struct sockaddr_un *local = &listener->address.u.local;

    if (strlen(path) >= sizeof(local->sun_path)) {
        return -ENAMETOOLONG;
    }
    if (rename(local->sun_path, path) < 0) {
        return -errno;
    }
    strcpy(local->sun_path, path);
    listener->address.size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return 0;
}

void
coh_listener_leave_file(struct coh_listener *listener)
{
    listener->file_number = 0;
}

void
coh_listener_unlink(struct coh_listener *listener)
{
    if (listener->lent_count > 0) {
        return;
    }
    if (has_file(listener) && unlink(listener->address.u.local.sun_path) < 0) {
        char text[COH_ADDR_TEXT_MAX];

        cohort_warn(
            listener->set->log, "cannot remove %s: %s",
            coh_addr_format(&listener->address, text), strerror(errno));
    }
    listener->file_number = 0;
}

/* --- one listener --------------------------------------------------------- */

int
coh_listener_add(struct coh_listener *listener, int fd)
{
    int *sockets = realloc(
        listener->sockets,
        (listener->socket_count + 1) * sizeof(listener->sockets[0]));

    if (sockets == NULL) {
        close(fd);
        return -ENOMEM;
    }
    listener->sockets = sockets;
    listener->sockets[listener->socket_count++] = fd;
    return 0;
}

void
coh_listener_shrink(struct coh_listener *listener, unsigned count)
{
    while (listener->socket_count > count) {
        close(listener->sockets[--listener->socket_count]);
    }
    if (listener->live_count > count) {
        listener->live_count = count;
    }
}

static void
listener_free(struct coh_listener *listener)
{
    TAILQ_REMOVE(&listener->set->list, listener, link);
    coh_listener_shrink(listener, 0);
    free(listener->sockets);
    free(listener);
}

void
coh_listeners_fini(struct coh_listeners *set, bool will_unlink)
{
    struct coh_listener *listener;

    while ((listener = TAILQ_FIRST(&set->list)) != NULL) {
        coh_emptying_forget(listener);
        if (will_unlink) {
            coh_listener_unlink(listener);
        }
        listener_free(listener);
    }
    coh_inherited_fini(&set->inherited);
}

void
coh_listener_release(struct coh_listener *listener)
{
    listener->references--;
    if (listener->references == 0) {
        coh_listener_unlink(listener);
        listener_free(listener);
    } else if (listener->references == 1) {
        coh_emptying_close(listener); /* it may have the last one */
    }
}

/* --- opening -------------------------------------------------------------- */

/* A unix socket that leaves has lost its name: the next one is another. */
static struct coh_listener *
find(struct coh_listeners *set, const struct coh_addr *address)
{
    struct coh_listener *listener;

    TAILQ_FOREACH (listener, &set->list, link) {
        if (!listener->is_adopted && !coh_listener_is_closed(listener) &&
            coh_addr_equal(&listener->address, address) &&
            !(is_unix(address) && listener->emptying != NULL)) {
            return listener;
        }
    }
    return NULL;
}

/* Does a socket of ours stand in the way of this address: a wildcard of its
   port, or a specific one of a wildcard's? */
static bool
has_overlap(struct coh_listeners *set, const struct coh_addr *address)
{
    struct coh_listener *listener;

    if (is_unix(address)) {
        return false;
    }
    TAILQ_FOREACH (listener, &set->list, link) {
        if (!is_unix(&listener->address) && !coh_listener_is_closed(listener) &&
            coh_addr_port(&listener->address) == coh_addr_port(address) &&
            (coh_addr_is_wildcard(&listener->address) ||
             coh_addr_is_wildcard(address))) {
            return true;
        }
    }
    return false;
}

static struct coh_listener *
listener_new(
    struct coh_listeners *set, const struct coh_listen_request *request)
{
    struct coh_listener *listener = calloc(1, sizeof(*listener));

    if (listener != NULL) {
        listener->set = set;
        listener->address = request->address;
        listener->options = request->options;
        listener->references = 1;
        TAILQ_INSERT_TAIL(&set->list, listener, link);
    }
    return listener;
}

/* A socket that somebody opened for us gets what an own one has from the
   start. */
static int
take_inherited(
    struct coh_listeners *set, const struct coh_listen_request *request)
{
    static const struct cohort_listen_options none;
    int fd = coh_inherited_take(&set->inherited, &request->address);

    if (fd >= 0) {
        if (!is_unix(&request->address)) {
            coh_socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        }
        coh_socket_apply(
            fd, &request->address, &request->options, &none, set->log);
    }
    return fd;
}

static int
open_new(
    struct coh_listeners *set, const struct coh_listen_request *request,
    struct coh_listener **listener, char why[COH_LISTENER_WHY_MAX])
{
    int fd = take_inherited(set, request);
    bool is_inherited = fd >= 0;

    if (fd == -ENOENT) {
        fd = coh_socket_open(request, has_overlap(set, &request->address), why);
    }
    if (fd < 0) {
        return fd;
    }
    *listener = listener_new(set, request);
    if (*listener == NULL) {
        close(fd);
        return -ENOMEM;
    }
    (*listener)->is_inherited = is_inherited;
    if (coh_listener_add(*listener, fd) < 0) {
        listener_free(*listener);
        return -ENOMEM;
    }
    (*listener)->live_count = 1;
    if (!is_inherited) {
        remember_file(*listener);
    }
    /* Port 0 has become a real one. */
    return coh_addr_of_socket(fd, &(*listener)->address);
}

int
coh_listener_open(
    struct coh_listeners *set, const struct coh_listen_request *request,
    struct coh_listener **listener, char why[COH_LISTENER_WHY_MAX])
{
    int result;

    *listener = find(set, &request->address);
    if (*listener != NULL) {
        /* First: whoever left it is told, and gives its own back. */
        (*listener)->references++;
        coh_emptying_cancel(*listener);
        return 0;
    }
    snprintf(why, COH_LISTENER_WHY_MAX, "out of memory");
    result = open_new(set, request, listener, why);
    if (result < 0) {
        *listener = NULL;
    }
    return result;
}

int
coh_listener_inherit(
    struct coh_listeners *set, const struct coh_listen_request *request,
    int *fds, unsigned count, struct coh_listener **listener)
{
    int result = 0;

    *listener = listener_new(set, request);
    if (*listener == NULL) {
        return -ENOMEM;
    }
    (*listener)->is_kept = true;
    (*listener)->lent_count = count;
    for (unsigned i = 0; i < count && result == 0; i++) {
        result = coh_listener_add(*listener, fds[i]);
        fds[i] = -1;
    }
    if (result < 0) {
        listener_free(*listener);
        *listener = NULL;
    }
    return result;
}

static int
listen_on(int fd, const struct cohort_listen_options *options)
{
    int backlog =
        options->backlog > 0 ? options->backlog : COH_LISTENER_BACKLOG;

    if (listen(fd, backlog) < 0) {
        return errno == ENOTSOCK || errno == EOPNOTSUPP ? -EINVAL : -errno;
    }
    return coh_fd_set_nonblocking(fd, true);
}

int
coh_listener_adopt(
    struct coh_listeners *set, int fd,
    const struct cohort_listen_options *options, struct coh_listener **listener)
{
    struct coh_listen_request request = {.options = *options};
    int result = listen_on(fd, options);

    if (result == 0) {
        result = coh_addr_of_socket(fd, &request.address);
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    *listener = listener_new(set, &request);
    if (*listener == NULL) {
        close(fd);
        return -ENOMEM;
    }
    (*listener)->is_adopted = true;
    if (coh_listener_add(*listener, fd) < 0) {
        listener_free(*listener);
        return -ENOMEM;
    }
    (*listener)->live_count = 1; /* it was before it came here */
    return 0;
}

/* --- accepting ------------------------------------------------------------ */

int
coh_listener_accept(const struct coh_listener *listener, unsigned socket)
{
    int fd = listener->sockets[socket];

    if (socket == 0 && listener->given_count > 0) {
        coh_fd_set_nonblocking(fd, true);
    }
    return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void
coh_listener_give_no_more(struct coh_listener *listener)
{
    listener->given_count--;
    if (listener->given_count == 0 && !coh_listener_is_closed(listener) &&
        coh_listener_acceptor_count(listener) > 0) {
        coh_fd_set_nonblocking(listener->sockets[0], true);
    }
}

/* --- options -------------------------------------------------------------- */

void
coh_listener_apply(
    struct coh_listener *listener, const struct cohort_listen_options *options)
{
    for (unsigned i = 0; i < listener->socket_count; i++) {
        coh_socket_apply(
            listener->sockets[i], &listener->address, options,
            &listener->options, listener->set->log);
    }
    if (options->mode != 0 && options->mode != listener->options.mode &&
        has_file(listener) &&
        chmod(listener->address.u.local.sun_path, options->mode) < 0) {
        cohort_warn(
            listener->set->log, "cannot set the mode of %s: %s",
            listener->address.u.local.sun_path, strerror(errno));
    }
    listener->options = *options;
}
