/* A generation in the primary: its template, what that declared, and what was
   opened for it. */
#ifndef COH_PRIMARY_GENERATION_H
#define COH_PRIMARY_GENERATION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/accept/acceptor.h"
#include "server/accept/rotation.h"
#include "server/channel/channel.h"
#include "server/primary/child.h"
#include "server/primary/primary.h"
#include "server/primary/respawn.h"
#include "server/primary/worker.h"
#include "server/process/frames.h"
#include "server/process/load.h"

/*
 *   LOADING -> STARTING   the template has loaded, everything is open
 *   STARTING -> SERVING   all its workers are ready (reload.c commits)
 *   SERVING -> RETIRING   replaced, or the primary quits (retire.c)
 *   RETIRING -> ENDING    what had to be accepted is: workers drain
 *   any -> ENDING         dropped, or the primary stops
 *   ENDING -> freed       its last process is gone
 */
enum coh_generation_state {
    COH_GENERATION_LOADING,
    COH_GENERATION_STARTING,
    COH_GENERATION_SERVING,
    COH_GENERATION_RETIRING,
    COH_GENERATION_ENDING,
};

/* Where one of its workers stands, and who follows when it dies. */
struct coh_place {
    struct coh_generation *generation;
    struct coh_worker *worker; /* NULL: nobody */
    struct coh_respawn respawn;
    struct event retry; /* the back-off */
};

/* Sockets of a listener that are being emptied (leaving.c). */
struct coh_leaving {
    struct coh_generation *generation;
    bool is_under_way;
};

struct coh_generation {
    TAILQ_ENTRY(coh_generation) link;
    struct coh_primary *primary;
    uint64_t number;
    enum coh_generation_state state;

    /* The template. */
    struct coh_child template;
    struct coh_channel channel;
    bool has_template;
    TAILQ_HEAD(, coh_worker) fork_queue; /* not asked for yet */
    uint64_t asked; /* the worker that is being forked; 0: none */

    /* What it declared. */
    bool has_settings;
    struct coh_frame_settings settings;
    char pid_path[COH_FRAME_PATH_MAX + 1];
    struct coh_listen_request requests[COH_LOAD_LISTENERS_MAX];
    size_t request_count;
    char *files[COH_LOAD_FILES_MAX]; /* paths by index; NULL: standard error */
    size_t file_count;
    uint16_t totals[COH_SLOT_COUNTERS_MAX]; /* the index of each counter's */
    size_t counter_count;
    char why[COH_FRAME_TEXT_MAX]; /* its first error */

    /* What was opened. */
    struct coh_acceptor acceptors[COH_LOAD_LISTENERS_MAX]; /* by request */
    size_t cover[COH_LOAD_LISTENERS_MAX]; /* whose socket a request uses */
    size_t acceptor_count;
    struct cohort_log log; /* the main context's */
    struct coh_log_target log_targets[COH_LOG_TARGETS_MAX];

    /* Workers. */
    struct coh_rotation rotation;
    struct coh_place *places; /* as many as worker_processes_max */
    unsigned place_count;
    unsigned target;       /* how many of them should have a worker */
    unsigned worker_count; /* not gone yet, in places or draining */

    /* Sockets on their way out. */
    struct coh_leaving leaving[COH_LOAD_LISTENERS_MAX]; /* by request */
    unsigned leaving_count;
    struct event settle; /* while offers wait for their workers */
    unsigned settle_count;
};

/* Make a generation and start its template. NULL after a log line. */
struct coh_generation *coh_generation_new(struct coh_primary *primary);

/* Ask the template for a worker. One request is on its way at a time: a fork
   must not inherit what belongs to the next one. */
void coh_generation_fork(
    struct coh_generation *generation, struct coh_worker *worker);

/* The template has answered. pid: or -errno; pidfd is taken over. */
void coh_generation_forked(
    struct coh_generation *generation, uint64_t worker_id, pid_t pid,
    int pidfd);

/* Take a worker out of the queue. False: its request is on its way. */
bool coh_generation_unfork(
    struct coh_generation *generation, struct coh_worker *worker);

/* Nobody will be forked any more: who waits for it is as if it had died. */
void coh_generation_lose_queue(struct coh_generation *generation);

/* Its channel ends, and the template with it. */
void coh_generation_end_template(struct coh_generation *generation);

/* Free it if it is ENDING and its last process is gone. Returns true if so. */
bool coh_generation_reap(struct coh_generation *generation);

/* In a forked child: close its descriptors here, nothing else. */
void coh_generation_forget(struct coh_generation *generation);

/* What a template may say (declared.c). */
extern const struct coh_channel_role coh_declared_role;

#endif
