/* Descriptors that travel over unix sockets with bytes. */
#ifndef COH_CORE_FDPASS_H
#define COH_CORE_FDPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define COH_FDPASS_MAX 253 /* the kernel's SCM_MAX_FD */

/*
 * Send one message, non-blocking, with fds (0 to COH_FDPASS_MAX of them), which
 * stay open here. Returns bytes sent or -errno: -EAGAIN when the peer's queue
 * is full (ETOOMANYREFS is reported as -EAGAIN too), -EPIPE when it is gone.
 */
ssize_t coh_fds_send(
    int socket, const struct iovec *parts, int part_count, const int *fds,
    size_t fd_count);

/*
 * Receive one message, non-blocking. Descriptors arrive CLOEXEC and belong to
 * the caller.
 *
 * fd_count  In: room in fds; out: how many came.
 * Returns   bytes; 0 at end of file; -EAGAIN; -EMSGSIZE when the bytes did not
 *           fit; -EMFILE when descriptors were cut off (MSG_CTRUNC): those that
 *           came are already closed; -EPROTO when descriptors came without a
 *           byte: they are closed, too.
 */
ssize_t coh_fds_receive(
    int socket, void *data, size_t size, int *fds, size_t *fd_count);

/*
 * The same where the bytes count even without the descriptors that came with
 * them (a stream, a packet of several frames): is_cut tells that those were cut
 * off and are closed.
 *
 * Returns  bytes; 0 at end of file; -EAGAIN; -EMSGSIZE and -EPROTO as above.
 */
ssize_t coh_fds_receive_cut(
    int socket, void *data, size_t size, int *fds, size_t *fd_count,
    bool *is_cut);

#endif
