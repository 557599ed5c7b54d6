/* A generation in the primary: its templates, what they declared, and what was
   opened for it. */
#ifndef COH_PRIMARY_GENERATION_H
#define COH_PRIMARY_GENERATION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/accept/acceptor.h"
#include "server/accept/rotation.h"
#include "server/admin/frames.h"
#include "server/primary/dropping.h"
#include "server/primary/groups/group_declaration.h"
#include "server/primary/place_environment.h"
#include "server/primary/primary.h"
#include "server/primary/recycle.h"
#include "server/primary/respawn.h"
#include "server/primary/template.h"
#include "server/primary/template_repair.h"
#include "server/primary/worker.h"
#include "server/process/frames.h"
#include "server/process/load.h"

/*
 *   LOADING -> STARTING   the template has loaded, everything is open
 *   STARTING -> SERVING   all its workers are ready (reload.c commits)
 *   STARTING -> TRYING    the same, but it is on trial first (canary.c)
 *   TRYING -> SERVING     it does well
 *   TRYING -> RETIRING    it does not: rolled back
 *   SERVING -> RETIRING   replaced, or the primary quits (retire.c)
 *   RETIRING -> ENDING    what had to be accepted is: workers drain
 *   any -> ENDING         dropped, or the primary stops
 *   ENDING -> freed       its last process is gone
 */
enum coh_generation_state {
    COH_GENERATION_LOADING,
    COH_GENERATION_STARTING,
    COH_GENERATION_TRYING,
    COH_GENERATION_SERVING,
    COH_GENERATION_RETIRING,
    COH_GENERATION_ENDING,
};

/* Where one of its workers stands, and who follows when it dies. */
struct coh_place {
    struct coh_generation *generation;
    struct coh_worker *worker; /* NULL: nobody */
    bool is_vacant;            /* left on purpose: nobody follows */
    struct coh_respawn respawn;
    struct event retry; /* the back-off */
    struct coh_place_environment environment;
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
    bool has_served; /* was committed, or on trial */
    bool is_cut;     /* ended at once, to make room for others */

    /* Templates and the workers that wait for being forked. */
    LIST_HEAD(, coh_template) templates; /* all that have a process */
    struct coh_template *template;       /* that forks; NULL: none */
    bool is_repairing;                   /* there will be another one */
    struct coh_template *renewal; /* one that loads to take over; NULL: none */
    struct coh_repair repair;
    TAILQ_HEAD(, coh_worker) fork_queue;

    /* What was declared. */
    bool has_settings;
    struct coh_frame_settings settings;
    uint64_t digest; /* of all files that were read */
    char pid_path[COH_FRAME_PATH_MAX + 1];
    struct coh_listen_request requests[COH_LOAD_LISTENERS_MAX];
    size_t request_count;
    char *files[COH_LOAD_FILES_MAX]; /* paths by index; NULL: standard error */
    bool is_optional[COH_LOAD_FILES_MAX];
    size_t file_count;
    uint16_t totals[COH_SLOT_COUNTERS_MAX]; /* the index of each counter's */
    uint8_t health[COH_SLOT_COUNTERS_MAX];  /* enum cohort_health of each */
    size_t counter_count;
    struct coh_secret_use secrets[COH_LOAD_SECRETS_MAX];
    size_t secret_count;
    char why[COH_FRAME_TEXT_MAX]; /* its first error */
    char *report;                 /* all its errors; NULL: none */
    int configuration; /* a memory file of all that was read; -1: none */
    struct coh_frame_admin admin;
    struct coh_group_declaration *declarations[COH_WORKER_GROUPS_MAX]; /* NULL:
        its group has it */
    size_t declaration_count;

    /* What was opened. */
    struct coh_acceptor acceptors[COH_LOAD_LISTENERS_MAX]; /* by request */
    size_t cover[COH_LOAD_LISTENERS_MAX]; /* whose socket a request uses */
    size_t acceptor_count;
    struct coh_listener *admin_listeners[COH_ADMIN_ADDRESSES_MAX]; /* until
        the helper has them */
    /* Of the main context's error logs; -1: none, or adopted. */
    int log_fds[COH_LOG_TARGETS_MAX];

    /* Workers. */
    struct coh_rotation rotation;
    struct coh_dropping dropping;
    struct coh_recycle recycle;
    struct coh_place *places; /* as many as worker_processes_max */
    unsigned place_count;
    unsigned target;       /* how many of them should have a worker */
    struct event vacancy;  /* while one of these has none (vacancy.c) */
    unsigned worker_count; /* not gone yet, in places or draining */
    struct coh_respawn_pace pace;

    struct coh_group *groups[COH_WORKER_GROUPS_MAX]; /* by declaration; kept or
        made for it */
    size_t group_count;

    /* Sockets on their way out. */
    struct coh_leaving leaving[COH_LOAD_LISTENERS_MAX]; /* by request */
    unsigned leaving_count;
    struct event settle;      /* while offers wait for their workers */
    uint64_t settle_began_ms; /* 0: there are sockets to be emptied first */
    uint64_t settled_ms;      /* how long that took; 0 before */
};

/* A template that is gone. */
struct coh_lost_template {
    pid_t pid;
    struct coh_exit how;
    bool was_used;      /* workers came from it */
    bool was_candidate; /* to be the next one */
    bool was_renewal;   /* it did not come to take over */
    uint64_t life_ms;   /* since it was used */
    enum coh_template_fault fault;
    bool has_hung;
    uint64_t asked; /* a worker that may or may not have been forked; 0: none */
};

/* Make a generation and start its template. NULL after a log line. */
struct coh_generation *coh_generation_new(struct coh_primary *primary);

/* Have the template fork a worker, after those that wait. */
void coh_generation_fork(
    struct coh_generation *generation, struct coh_worker *worker);

/* Take a worker out of the queue. False: its request is on its way. */
bool coh_generation_unfork(
    struct coh_generation *generation, struct coh_worker *worker);

/* Nobody will be forked any more: who waits for it is as if it had died. */
void coh_generation_give_up_forks(struct coh_generation *generation);

/* What follows (template_repair.h): a template that workers came from is
   started again, and used if it loads the same. May free the generation. */
void coh_generation_lost_template(
    struct coh_generation *generation, const struct coh_lost_template *lost);

/*
 * A worker has crashed: who made it do so may know where its code and data lie,
 * and all that come from the same template have them there. Another template is
 * started, and takes over if it loads the same.
 */
void coh_generation_renew_template(struct coh_generation *generation);

/* A template that was started again has loaded. */
void coh_generation_repaired(
    struct coh_generation *generation, struct coh_template *template,
    uint64_t digest);

/* "on 127.0.0.1:8000, [::1]:80 with 4 workers, group app with 2"; cut to
   size. */
void coh_generation_describe(
    const struct coh_generation *generation, char *out, size_t size);

/* All its templates leave. */
void coh_generation_end_templates(struct coh_generation *generation);

/* Free it if it is ENDING and its last process is gone. Returns true if so. */
bool coh_generation_reap(struct coh_generation *generation);

/* In a forked child: close its descriptors here, nothing else. */
void coh_generation_forget(struct coh_generation *generation);

#endif
