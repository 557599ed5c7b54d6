/* Workers that do not come back to their event loop, or do not run at all:
   found by looking, out of rotation at once, replaced, ended by a timetable.

   Of any group: whoever has a worker embeds struct coh_watched in it, fills in
   its first part, and calls coh_watchdog_add. */
#ifndef COH_PRIMARY_WATCHDOG_H
#define COH_PRIMARY_WATCHDOG_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct coh_handoff_peer;
struct coh_loop;
struct coh_pulse;
struct coh_watched;

/*
 * How far it has gone with a worker, and after how long:
 *
 *   WELL -> STUCK      1 x the limit; at once if it is stopped or traced
 *   STUCK -> TOLD      a moment later, when it has said what it was doing, if
 *                      it can: it is replaced
 *   -> TERMINATED      1.5 x, -> ABORTED 2 x, -> KILLED 2.5 x; never if it is
 *                      traced: somebody is looking at it
 *   any -> WELL        it is seen to run again
 */
enum coh_watched_step {
    COH_WATCHED_WELL,
    COH_WATCHED_STUCK,
    COH_WATCHED_TOLD,
    COH_WATCHED_TERMINATED,
    COH_WATCHED_ABORTED,
    COH_WATCHED_KILLED,
};

/* What a group does for its workers. */
struct coh_watched_actions {
    /* Since when it leaves something lying, in monotonic milliseconds; 0: it
       does not. NULL: its peer says so. */
    uint64_t (*ignored_since)(
        const struct coh_watched *worker, uint64_t now_ms);
    /* It gets nothing new from now on. */
    void (*isolate)(struct coh_watched *worker);
    /* Once: why is in words. */
    void (*tell)(struct coh_watched *worker, const char *why);
    /* Another one takes its place; called again at each look. */
    void (*replace)(struct coh_watched *worker);
    /* It runs again: it may go on if nobody has taken its place. */
    void (*recovered)(struct coh_watched *worker);
    void (*signal)(struct coh_watched *worker, int number);
};

struct coh_watched {
    const struct coh_watched_actions *actions;
    uint64_t limit_ms;             /* 0: it is not watched */
    const struct coh_pulse *pulse; /* NULL: it has none (other programs) */
    bool answers; /* COH_SIGNAL_TELL, with what it does; in its pulse, too */
    struct coh_handoff_peer *peer; /* NULL: it is offered no connections */
    pid_t pid;

    LIST_ENTRY(coh_watched) link;
    struct coh_watchdog *watchdog; /* NULL: not in it */
    enum coh_watched_step step;
    char state;         /* at the last look, as in proc(5) */
    uint64_t halted_ms; /* since when it is stopped or traced; 0: it is not */
};

struct coh_watchdog {
    struct coh_loop *loop;
    LIST_HEAD(, coh_watched) workers;
    struct event look;
    uint64_t last_ms;  /* of the last look */
    uint64_t due_ms;   /* of the next one */
    uint64_t fresh_ms; /* nothing before counts: we have not looked on time */
};

/* loop outlives it. */
void coh_watchdog_init(struct coh_watchdog *watchdog, struct coh_loop *loop);
void coh_watchdog_fini(struct coh_watchdog *watchdog);

/* Fine twice, and for one without a limit. */
void coh_watchdog_add(
    struct coh_watchdog *watchdog, struct coh_watched *worker);
void coh_watchdog_remove(struct coh_watched *worker);

static inline bool
coh_watched_is_stuck(const struct coh_watched *worker)
{
    return worker->step != COH_WATCHED_WELL;
}

/* --- judging (watchdog_judge.c) ------------------------------------------- */

/* How far one has to go with it by now; its state is looked up. */
enum coh_watched_step coh_watchdog_judge(
    struct coh_watched *worker, uint64_t now_ms);

/* Since when, by its pulse, its loop does not turn (monotonic milliseconds); 0:
   it does. */
uint64_t coh_watchdog_silent_since(
    const struct coh_pulse *pulse, uint64_t now_ms);

/* How far one has to go by now with a worker that has been stuck for that
   long. */
enum coh_watched_step coh_watchdog_due(uint64_t stuck_ms, uint64_t limit_ms);

#endif
