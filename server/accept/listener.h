/* A listening address and its sockets, in the primary. */
#ifndef COH_SERVER_ACCEPT_LISTENER_H
#define COH_SERVER_ACCEPT_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include "core/addr.h"
#include "server/accept/inherited.h"

struct cohort_log;

#define COH_LISTENER_WHY_MAX 512
#define COH_LISTENER_SOCKETS_MAX 1024
#define COH_LISTENER_BACKLOG 511

/* What a generation asks for. */
struct coh_listen_request {
    struct coh_addr address;
    struct cohort_listen_options options;
};

/*
 * One address. Every generation that listens there holds a reference, so the
 * sockets outlive reloads. Policies that use one socket use the first; a
 * reuseport policy uses one per place (coh_listener_grow).
 */
struct coh_listener {
    TAILQ_ENTRY(coh_listener) link;
    struct coh_listeners *set;
    struct coh_addr address;
    struct cohort_listen_options options; /* those now on the sockets */
    int *sockets; /* in the kernel's order of the reuseport group */
    unsigned socket_count;
    unsigned live_count; /* the others are only prepared: they get nothing */
    unsigned references;
    /* So many sockets, the first ones, another primary has, too: they are not
       emptied, and a unix socket's file is left alone. */
    unsigned lent_count;
    bool is_kept;    /* one of the references is that of an upgrade */
    bool is_adopted; /* made elsewhere: one socket, and not found by address */
    bool is_inherited; /* its one socket is somebody else's, too: connections
                          may wait there for the next instance */
    /* So many worker groups give its first socket to programs, which know
       nothing of us: it is never shut down, and may be made blocking at any
       time. */
    unsigned given_count;
    struct coh_emptying *emptying; /* while it is about to leave */
    dev_t file_device;             /* a unix socket's file, which is ours as */
    ino_t file_number;             /* long as it is this one; 0: none */
};

/* All addresses of the primary. */
struct coh_listeners {
    TAILQ_HEAD(coh_listener_list, coh_listener) list;
    struct cohort_log *log;
    struct coh_inherited inherited; /* filled by the caller, closed here */
};

void coh_listeners_init(struct coh_listeners *set, struct cohort_log *log);

/* Close everything, whoever holds it; unlink unix sockets unless they were
   passed on (will_unlink false: another instance has them now). */
void coh_listeners_fini(struct coh_listeners *set, bool will_unlink);

/*
 * The listener of an address: the one that is there, or a new one with one
 * listening socket, an inherited one if there is one of exactly that address.
 * Options of one that is there do not change before coh_listener_apply. One
 * that was being emptied is kept.
 *
 * why      Says on failure what, where and what to do.
 * Returns  0, with a reference more; -errno.
 */
int coh_listener_open(
    struct coh_listeners *set, const struct coh_listen_request *request,
    struct coh_listener **listener, char why[COH_LISTENER_WHY_MAX]);

/*
 * The listener of a socket that was made elsewhere, on which listen() is called
 * here. fd is taken over, also on failure. Never found by coh_listener_open,
 * and no file of it is removed.
 *
 * Returns  0, with the one reference; -EINVAL when it is no socket that can
 *          listen; -errno.
 */
int coh_listener_adopt(
    struct coh_listeners *set, int fd,
    const struct cohort_listen_options *options,
    struct coh_listener **listener);

/*
 * The listener of sockets that another primary has, too, which is as it asked
 * for. From then on it is found by coh_listener_open.
 *
 * fds      Taken over one by one: each becomes -1.
 * Returns  0, with one reference, which is_kept tells; -ENOMEM.
 */
int coh_listener_inherit(
    struct coh_listeners *set, const struct coh_listen_request *request,
    int *fds, unsigned count, struct coh_listener **listener);

/* A unix socket's file is moved: it is found by the other path now. 0 or
   -errno. */
int coh_listener_move(struct coh_listener *listener, const char *path);

/* Have at least count sockets (reuseport: one per place), all of them live at
   once. coh_listener_shrink takes some away. 0 or -errno. */
int coh_listener_grow(
    struct coh_listener *listener, unsigned count,
    char why[COH_LISTENER_WHY_MAX]);

/* The same for a generation that may yet be dropped: what is new gets no
   connection before coh_listener_activate, so that coh_listener_retract can
   close it again. */
int coh_listener_prepare(
    struct coh_listener *listener, unsigned count,
    char why[COH_LISTENER_WHY_MAX]);
void coh_listener_activate(struct coh_listener *listener);
void coh_listener_retract(struct coh_listener *listener);

/* Take over a socket as the last one; closed on failure. 0 or -ENOMEM. */
int coh_listener_add(struct coh_listener *listener, int fd);

/* Its sockets are closed; who still holds it only finishes. Nobody else finds
   it. */
static inline bool
coh_listener_is_closed(const struct coh_listener *listener)
{
    return listener->socket_count == 0;
}

/* How many accept from it, or will: those who hold it, without groups that give
   it to programs, who empties it, and an upgrade. */
static inline unsigned
coh_listener_acceptor_count(const struct coh_listener *listener)
{
    return listener->references - listener->given_count - listener->is_kept -
        (listener->emptying != NULL);
}

/* Accept one connection from a socket, without ever waiting for it: programs
   that have the socket may have made it blocking. As accept4; the connection is
   non-blocking and close-on-exec. */
int coh_listener_accept(const struct coh_listener *listener, unsigned socket);

/* A worker group gives its first socket to programs no more. For one that still
   holds its reference. */
void coh_listener_give_no_more(struct coh_listener *listener);

/* Set what can change on living sockets (backlog, deferred accept, buffers,
   keepalive, fastopen, mode). A generation's commit. Failures are logged and
   cost only that option. */
void coh_listener_apply(
    struct coh_listener *listener, const struct cohort_listen_options *options);

/* Close sockets from the count-th on, at once: empty them first
   (server/accept/emptying.h). */
void coh_listener_shrink(struct coh_listener *listener, unsigned count);

/* A unix socket's file is another instance's from now on. */
void coh_listener_leave_file(struct coh_listener *listener);

/* Remove a unix socket's file, if it is still this one's. */
void coh_listener_unlink(struct coh_listener *listener);

/* Give a reference back; the last one closes the sockets at once (empty them
   first) and removes a unix socket's file. */
void coh_listener_release(struct coh_listener *listener);

/*
 * Which request's socket gets the connections to requests[index]: itself, or
 * the wildcard of its port that covers it (unless it has is_bound). Policy and
 * options of a covered one do not count.
 */
size_t coh_listen_cover(
    const struct coh_listen_request *requests, size_t count, size_t index);

#endif
