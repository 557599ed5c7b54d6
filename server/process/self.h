/* A process that serves, from inside: what a worker and the only process of
   single-process mode have in common. */
#ifndef COH_PROCESS_SELF_H
#define COH_PROCESS_SELF_H

#include <cohort/cohort.h>

#include "core/event.h"
#include "server/accept/intake.h"
#include "server/process/load.h"
#include "server/process/missed_files.h"
#include "server/process/pulse.h"
#include "server/process/signals.h"

struct coh_channel;

struct cohort_self {
    uint64_t id; /* 0 in single-process mode */
    struct cohort_load *load;
    struct cohort_log *log; /* the main context's */
    struct coh_loop loop;
    struct coh_slot *slot;
    struct coh_channel *channel; /* NULL in single-process mode */
    struct coh_turns turns;      /* without an area in single-process mode */
    struct coh_intake intake;
    struct coh_signals signals;
    struct coh_missed_files missed;
    struct coh_pulse_beat beat; /* not in single-process mode */
    struct event deadline;      /* worker_shutdown_timeout */
    struct event departure;     /* leaves the loop: idle was told, or the limit
                                   of coh_self_drain_within is over */
    /* Where connections are counted that come by another way than the intake;
       NULL: there is none. */
    void (*connection_closed)(struct cohort_self *self);
    /* As cohort_self_secret, for those that were asked for in a member of a
       cluster (from COH_LOAD_SECRETS_MAX on); NULL: none. */
    int (*asked_secret)(
        const struct cohort_self *self, size_t index,
        enum cohort_secret_age age, void *out);
    bool is_member; /* of a cluster: its messages are that one's */
    bool is_started;
    bool is_draining;
    bool is_idle;
    int status; /* to exit with */
};

/*
 * Make loop and intake, then let the service begin. id, load, slot and channel
 * are set.
 *
 * on_signal  For numbers[], as coh_signals_init.
 * Returns    0, or -errno after a log line; to be given back either way.
 */
int coh_self_init(
    struct cohort_self *self, const int *numbers,
    void (*on_signal)(void *user, int number, bool is_by_process));
int coh_self_start(struct cohort_self *self);

/* Take nothing new, finish the old; the loop ends when that is done, or after
   worker_shutdown_timeout. Fine twice. */
void coh_self_drain(struct cohort_self *self);

/* The same with another limit for what it has, 0 for none. */
void coh_self_drain_by(struct cohort_self *self, uint64_t limit_ms);

/* The same, with what waits in the worker's own listening sockets, but for so
   long at most; at once if nothing is served yet. */
void coh_self_drain_within(struct cohort_self *self, uint64_t limit_ms);

/* End the loop now. */
void coh_self_quit(struct cohort_self *self);

/* Stop the service and give everything back. */
void coh_self_fini(struct cohort_self *self);

/* cohort_self_send in a worker of the server: the primary tells it as an event.
   0 or -errno. */
int coh_self_tell(struct cohort_self *self, struct cohort_str message);

/* A message for the service has come. */
void coh_self_deliver(struct cohort_self *self, const void *data, size_t size);

/* coh_load_reopen while the service runs: it writes out what it holds
   before. */
void coh_self_reopen(
    struct cohort_self *self, const uint32_t *files, int *fds, size_t count);

/* They came without their descriptors, for which there is no room: it goes on
   with the old ones, says so, and asks until it has them. */
void coh_self_miss_files(struct cohort_self *self);

#endif
