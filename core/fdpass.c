/* Descriptors that travel over unix sockets with bytes. */
#include "core/fdpass.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Aligned as the kernel's control messages want it. */
union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int) * COH_FDPASS_MAX)];
};

static void
attach(
    struct msghdr *message, union control *control, const int *fds,
    size_t fd_count)
{
    size_t size = sizeof(int) * fd_count;
    struct cmsghdr *header;

    memset(control, 0, CMSG_SPACE(size));
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(size);
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), fds, size);
}

/* ETOOMANYREFS: too many descriptors of this user are under way; a reset comes
   when the peer closed with our messages unread. */
static ssize_t
send_error(int error)
{
    switch (error) {
    case EWOULDBLOCK:
    case ETOOMANYREFS:
    case ENOBUFS:
        return -EAGAIN;
    case ECONNRESET:
        return -EPIPE;
    default:
        return -error;
    }
}

ssize_t
coh_fds_send(
    int socket, const struct iovec *parts, int part_count, const int *fds,
    size_t fd_count)
{
    union control control;
    struct msghdr message = {0};
    ssize_t sent;

    if (fd_count > COH_FDPASS_MAX || part_count < 1) {
        return -EINVAL;
    }
    memcpy(&message.msg_iov, &parts, sizeof(parts)); /* only read from */
    message.msg_iovlen = (size_t)part_count;
    if (fd_count > 0) {
        attach(&message, &control, fds, fd_count);
    }
    do {
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? send_error(errno) : sent;
}

/* All descriptors of a message, into arrived, which has room for them. */
static size_t
detach(struct msghdr *message, int *arrived)
{
    struct cmsghdr *header;
    size_t count = 0;

    for (header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == SOL_SOCKET &&
            header->cmsg_type == SCM_RIGHTS) {
            size_t size = header->cmsg_len - CMSG_LEN(0);

            memcpy(arrived + count, CMSG_DATA(header), size);
            count += size / sizeof(int);
        }
    }
    return count;
}

static void
close_all(const int *arrived, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(arrived[i]);
    }
}

/* flags are set to those of recvmsg. Descriptors come all or not at all: then
   MSG_CTRUNC is set. */
static ssize_t
receive(
    int socket, void *data, size_t size, int *fds, size_t *fd_count, int *flags)
{
    union control control;
    int arrived[COH_FDPASS_MAX];
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    size_t room = *fd_count;
    size_t count;
    ssize_t got;

    *fd_count = 0;
    *flags = 0;
    do {
        got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        /* The peer has closed without reading all: it is gone either way. */
        return errno == ECONNRESET ? 0 : -errno;
    }
    *flags = message.msg_flags;
    count = detach(&message, arrived);
    if ((*flags & MSG_CTRUNC) || count > room) {
        close_all(arrived, count);
        *flags |= MSG_CTRUNC;
        return got;
    }
    if (count > 0) {
        memcpy(fds, arrived, sizeof(int) * count);
    }
    *fd_count = count;
    return got;
}

ssize_t
coh_fds_receive(int socket, void *data, size_t size, int *fds, size_t *fd_count)
{
    bool is_cut;
    ssize_t got =
        coh_fds_receive_cut(socket, data, size, fds, fd_count, &is_cut);

    return is_cut ? -EMFILE : got;
}

ssize_t
coh_fds_receive_cut(
    int socket, void *data, size_t size, int *fds, size_t *fd_count,
    bool *is_cut)
{
    int flags;
    ssize_t got = receive(socket, data, size, fds, fd_count, &flags);

    *is_cut = (flags & MSG_CTRUNC) != 0;
    if ((flags & MSG_TRUNC) || (got == 0 && (*fd_count > 0 || *is_cut))) {
        close_all(fds, *fd_count);
        *fd_count = 0;
        return got == 0 ? -EPROTO : -EMSGSIZE;
    }
    return got;
}
