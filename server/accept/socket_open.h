/* One listening socket: made, bound, given its options. */
#ifndef COH_SERVER_ACCEPT_SOCKET_OPEN_H
#define COH_SERVER_ACCEPT_SOCKET_OPEN_H

#include <stdbool.h>

#include "server/accept/listener.h"

/*
 * A listening socket of an address.
 *
 * will_join  Beside sockets of ours: the address may be taken, by us.
 * why        Says on failure what, where and what to do.
 * Returns    The descriptor (non-blocking, CLOEXEC) or -errno.
 */
int coh_socket_open(
    const struct coh_listen_request *request, bool will_join,
    char why[COH_LISTENER_WHY_MAX]);

/* Set those options that a living socket can change; what it refuses is logged
   and left as it was. before: the options it has. */
void coh_socket_apply(
    int fd, const struct coh_addr *address,
    const struct cohort_listen_options *options,
    const struct cohort_listen_options *before, struct cohort_log *log);

#endif
