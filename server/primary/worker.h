/* A worker, as the primary knows it. */
#ifndef COH_PRIMARY_WORKER_H
#define COH_PRIMARY_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cluster.h>

#include "server/accept/rotation.h"
#include "server/channel/channel.h"
#include "server/primary/child.h"
#include "server/primary/events.h"
#include "server/primary/last_words.h"
#include "server/primary/overdue.h"
#include "server/primary/recycle.h"
#include "server/primary/watchdog.h"

struct coh_generation;
struct coh_primary;

/*
 *   STARTING -> READY     its ready frame: it could serve
 *   READY -> SERVING      coh_worker_serve
 *   any -> DRAINING       coh_worker_drain
 *   any -> gone           its exit: the object is freed
 */
enum coh_worker_state {
    COH_WORKER_STARTING,
    COH_WORKER_READY,
    COH_WORKER_SERVING,
    COH_WORKER_DRAINING,
};

struct coh_worker {
    TAILQ_ENTRY(coh_worker) link;      /* in primary->workers */
    TAILQ_ENTRY(coh_worker) fork_link; /* in its generation's fork queue */
    struct coh_primary *primary;
    struct coh_generation *generation;
    enum coh_worker_state state;
    uint64_t id;    /* never used again */
    unsigned slot;  /* used again */
    unsigned place; /* among its generation's workers: 0 to target - 1 */
    uint64_t born_ms;
    int far_end; /* of its channel, until its template has it; -1 after */
    int speaker; /* of its last words, as long */
    bool is_in_fork_queue;
    bool is_online;            /* it has said hello */
    bool is_disconnected;      /* that was told */
    bool has_left_sockets;     /* DRAINING: it accepts no more */
    int pending_signal;        /* for when it is born; 0: none */
    enum cohort_reason reason; /* why it was told to leave; SELF: it was not */
    uint64_t predecessor; /* leaves when this one serves; 0: none (dismiss.h) */
    struct coh_child child;
    struct coh_channel channel;
    struct coh_last_words words; /* heard until it is ready */
    struct coh_handoff_peer peer;
    struct coh_recycled recycled;
    struct coh_watched watched;
    struct coh_overdue overdue;
};

/*
 * Begin a worker: slot, channel, its listeners as first frames, and the
 * request to the template.
 *
 * Returns  The worker, in primary->workers; NULL after a log line.
 */
struct coh_worker *coh_worker_new(
    struct coh_generation *generation, unsigned place);

/* The worker of that id; NULL: it is gone. */
struct coh_worker *coh_worker_find(struct coh_primary *primary, uint64_t id);

/* It may take connections (once, when it is ready). */
void coh_worker_serve(struct coh_worker *worker);

/*
 * Send it a message, JSON as text.
 *
 * Returns  0; -EOPNOTSUPP when its service takes none; -ENOBUFS when it has
 *          stopped reading; -EPIPE when it is gone.
 */
int coh_worker_send(struct coh_worker *worker, const void *data, size_t size);

/* Nothing new; it leaves when it has finished, or is ended (overdue.h). */
void coh_worker_drain(struct coh_worker *worker);

/* End it: TERM or KILL. Frees it if it is not even asked for. */
void coh_worker_signal(struct coh_worker *worker, int number);

/* The template has forked it: take over its pidfd. */
void coh_worker_born(struct coh_worker *worker, pid_t pid, int pidfd);

/* It was never born: as if it had died. Frees it. */
void coh_worker_stillborn(struct coh_worker *worker);

/* In a forked child: close its descriptors here, nothing else. */
void coh_worker_forget(struct coh_worker *worker);

/* --- for the files of workers alone --------------------------------------- */

/* What it may say (worker_said.c). */
extern const struct coh_channel_role coh_worker_role;

/* Its process has been reaped: as coh_child_init takes it. */
void coh_worker_on_ended(struct coh_child *child, struct coh_exit how);

/* Give back what it has; it stands in no list. */
void coh_worker_free(struct coh_worker *worker);

/* Events about it (worker_tell.c): any; that it takes nothing new, once; an
   address each that it takes connections of; that one cannot be started. */
void coh_worker_tell(const struct coh_worker *worker, struct coh_event event);
void coh_worker_tell_disconnect(struct coh_worker *worker);
void coh_worker_tell_listening(const struct coh_worker *worker);
void coh_worker_tell_failure(
    const struct coh_generation *generation, const char *why);

#endif
