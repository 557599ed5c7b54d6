/* New connections led away from sockets that are about to be closed. */
#ifndef COH_SERVER_ACCEPT_STEER_H
#define COH_SERVER_ACCEPT_STEER_H

/* Let the kernel choose among the first count sockets of a reuseport group
   (any of whose sockets is fd); the others get no new connection. 0 or
   -errno. */
int coh_steer_group(int fd, unsigned count);

/* Among all again. 0 or -errno. */
int coh_steer_group_end(int fd);

/* Drop packets that begin a connection; handshakes under way end as they
   would. Clients try again after a second. 0 or -errno. */
int coh_steer_drop(int fd);

/* Take them again. 0 or -errno. */
int coh_steer_drop_end(int fd);

#endif
