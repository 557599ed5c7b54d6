/* Listening sockets that were open before we were started (socket activation):
   a listener of the same address takes one instead of making its own. */
#ifndef COH_SERVER_ACCEPT_INHERITED_H
#define COH_SERVER_ACCEPT_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"

struct cohort_log;

struct coh_inherited_socket {
    int fd;     /* kept as long as we live: whoever opened it does, too, so the
               address can be had in no other way */
    char *name; /* for messages; "" for none */
    struct coh_addr address;
    bool was_taken;
};

/* All zero: none. */
struct coh_inherited {
    struct coh_inherited_socket *array;
    size_t count;
};

/*
 * Add a listening stream socket.
 *
 * fd       Taken over; closed on failure.
 * name     Copied.
 * Returns  0; -EINVAL when it is something else; -ENOMEM; -errno.
 */
int coh_inherited_add(
    struct coh_inherited *inherited, int fd, const char *name);

/* A descriptor (CLOEXEC, non-blocking) of the socket with that address;
   -ENOENT when there is none; -errno. */
int coh_inherited_take(
    struct coh_inherited *inherited, const struct coh_addr *address);

/* Close those that nobody has ever taken, with a warning each. */
void coh_inherited_close_unused(
    struct coh_inherited *inherited, struct cohort_log *log);

/* Close all. */
void coh_inherited_fini(struct coh_inherited *inherited);

#endif
