/* Sockets: made non-blocking and closed on exec, with what we ask of them. */
#ifndef COH_CORE_SOCKET_H
#define COH_CORE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct coh_addr;

/* 0 or -errno each. */
int coh_fd_set_nonblocking(int fd, bool on);
int coh_fd_set_cloexec(int fd, bool on);

/* Mark every descriptor from first on, but those in keep[], close-on-exec. */
int coh_fds_cloexec_from(int first, const int *keep, size_t keep_count);

/* Close every descriptor from first on, but those in keep[]. */
int coh_fds_close_from(int first, const int *keep, size_t keep_count);

/* Open /dev/null on whichever of 0, 1 and 2 is closed. First call of main. */
int coh_fds_fill_standard(void);

int coh_socket_option(int fd, int level, int name, int value);

/* A connected pair, type SOCK_SEQPACKET or SOCK_STREAM, non-blocking,
   CLOEXEC. */
int coh_socket_pair(int type, int fds[2]);

/* How many connections wait in the accept queue of a listening TCP socket
   (TCP_INFO), or -errno. For unix sockets -EOPNOTSUPP. */
int coh_socket_queue_length(int fd);

#endif
