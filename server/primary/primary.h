/* The primary: owns listening sockets, generations and workers. It parses no
   configuration, reads no client's byte, and never blocks.

   What can be asked of it has one door here, whoever asks: a signal, somebody
   on the admin socket (answer.h), a C call of the program (caller.h). */
#ifndef COH_PRIMARY_PRIMARY_H
#define COH_PRIMARY_PRIMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cohort.h>

#include "core/event.h"
#include "core/log.h"
#include "server/accept/listener.h"
#include "server/command_line.h"
#include "server/primary/canary.h"
#include "server/primary/counters.h"
#include "server/primary/departure.h"
#include "server/primary/events.h"
#include "server/primary/numbers.h"
#include "server/primary/pending.h"
#include "server/primary/secrets.h"
#include "server/primary/systemd.h"
#include "server/primary/systemd_birth.h"
#include "server/primary/tally.h"
#include "server/primary/upgrade/scaled.h"
#include "server/primary/upgrade/upgrade.h"
#include "server/primary/watchdog.h"
#include "server/process/pidfile.h"
#include "server/process/signals.h"
#include "server/process/slot.h"

struct coh_caller;
struct coh_generation;
struct coh_group;
struct coh_handover;
struct coh_helper;
struct coh_helper_birth;
struct coh_worker;

/* What this instance is. */
struct coh_program {
    const struct coh_options *options;
    const struct cohort_service *service;
    bool is_forked;  /* templates are forks of this program, not executed anew:
                       what its handlers point at is inherited */
    bool is_daemon;  /* standard error becomes the log */
    bool is_process; /* the process ends with it: signals stay blocked, so that
                        none that comes late decides the exit status */
    int starter; /* a pipe to who waits for the first verdict (daemon on), or
                       -1 */
    struct coh_systemd_birth systemd;
    struct coh_handover *handover; /* of the primary that started this one as
                                      the next; NULL: none did */
    /* The first generation serves. NULL: nothing to say. */
    void (*greet)(
        const struct coh_program *program, unsigned worker_count,
        size_t group_count);
    /* Is told the primary's events, after the log. NULL: nobody. */
    struct coh_event_reader *reader;
    /* By which it asks the primary, as long as that runs. NULL: it does not. */
    struct coh_caller *caller;
    /* Be the admin helper; its exit status. NULL: there is none. */
    int (*run_helper)(const struct coh_helper_birth *birth);
};

enum coh_primary_state {
    COH_PRIMARY_STARTING, /* until the first generation serves */
    COH_PRIMARY_SERVING,
    COH_PRIMARY_QUITTING, /* until the last worker has finished */
    COH_PRIMARY_STOPPING, /* until the last worker is gone */
};

TAILQ_HEAD(coh_generation_list, coh_generation);
TAILQ_HEAD(coh_group_list, coh_group);
TAILQ_HEAD(coh_worker_list, coh_worker);

struct coh_primary {
    const struct coh_program *program;
    enum coh_primary_state state;
    struct coh_loop loop;
    struct cohort_log log; /* -e, then as the current generation has it */
    struct coh_log_target log_targets[COH_LOG_TARGETS_MAX];
    uint64_t log_owner; /* the generation whose log it is; 0: none */
    struct coh_signals signals;
    struct coh_event_readers readers;
    struct coh_event_reader log_reader;
    struct coh_pidfile pidfile;
    struct coh_slots slots; /* made for the first generation */
    struct coh_listeners listeners;
    struct coh_totals totals;
    struct coh_tally tally;
    struct coh_secrets secrets;
    struct coh_systemd systemd;
    struct coh_watchdog watchdog;
    struct coh_numbers numbers;
    struct coh_upgrade upgrade;
    struct coh_scaled_list scaled; /* by the other primary, before us */
    struct coh_helper *helper;
    struct coh_pendings pendings;
    struct coh_generation *current;         /* NULL: none serves */
    struct coh_generation *next;            /* NULL: none is being loaded */
    struct coh_generation_list generations; /* all that have a process */
    struct coh_worker_list workers;         /* all, of all generations */
    struct coh_group_list groups;           /* all that have a worker */
    bool is_paused;    /* WINCH: no workers until the next reload */
    bool wants_reload; /* once more, when this one is decided */
    bool wants_force;  /* and that one is forced */
    struct coh_canary canary;
    struct coh_departure departure;
    struct event reload_deadline;
    struct event reload_wanted; /* it may begin now */
    int starter;                /* as the program's, until it has its verdict */
    int status;                 /* to exit with */
};

/*
 * Be the primary until it has ended.
 *
 * Process  One thread; coh_spawn_init has been called.
 * Returns  The exit status.
 */
int coh_primary_run(struct coh_program *program);

/* --- the doors --------------------------------------------------------------
 *
 * All return at once; what becomes of it is told as events.
 */

/* Load the configuration anew. While one is being loaded: once more after it,
   however often it is asked for. During an upgrade: start the workers that were
   drained, no more. is_forced: end old generations at once where there would be
   too many. */
void coh_primary_reload(struct coh_primary *primary, bool is_forced);

/* Have count workers, brought into 1..worker_processes_max. -EAGAIN: not
   serving, or an upgrade is under way; -ENOTSUP: there are worker groups
   alone. */
int coh_primary_scale(struct coh_primary *primary, unsigned count);

/* Open all log files anew, here and in all workers. How often that failed, each
   time after a log line. */
unsigned coh_primary_reopen(struct coh_primary *primary);

/* Start the binary on disk anew, beside this one; will_replace: and leave when
   it serves. 0: events tell what becomes of it; -EAGAIN with why (static). */
int coh_primary_upgrade(
    struct coh_primary *primary, bool will_replace, const char **why);

/* Leave when every request has been answered. */
void coh_primary_quit(struct coh_primary *primary);

/* Serve on for so long while probes are told that we are not ready, then leave
   as above. At most COH_DEPARTURE_MAX_MS. */
void coh_primary_quit_after(struct coh_primary *primary, uint64_t not_ready_ms);

/* Leave now: workers have less than a second. */
void coh_primary_stop(struct coh_primary *primary);

/* Let workers finish and leave; the primary stays, with its sockets. */
void coh_primary_drain_workers(struct coh_primary *primary);

/* --- for the other files of the primary ----------------------------------- */

/* An error or a warning for people: the log, and while starting also the
   terminal. Several lines are told line by line in the log. */
void coh_primary_tell(
    struct coh_primary *primary, enum cohort_log_level level, const char *text);

/* The first generation serves; or it never will, and the primary ends. */
void coh_primary_started(struct coh_primary *primary);
void coh_primary_start_failed(struct coh_primary *primary);

/* Tell whoever started us as a daemon, once, and exit with it. */
void coh_primary_give_verdict(struct coh_primary *primary, int status);

/* Close what the log writes to, and leave it empty. */
void coh_primary_close_log(struct coh_primary *primary);

/* A generation, a group or another process is gone for good: if we leave, and
   it was the last, the loop ends. */
void coh_primary_end_if_alone(struct coh_primary *primary);

/* In a child that goes on as something else: close what is the primary's
   alone. */
void coh_primary_forget(struct coh_primary *primary);

#endif
