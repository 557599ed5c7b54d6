/* Workers that were told to leave and have not left in time: they end by
   themselves at worker_shutdown_timeout, if they run; else they are ended. */
#ifndef COH_PRIMARY_OVERDUE_H
#define COH_PRIMARY_OVERDUE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct coh_worker;

/* Embedded in a worker. */
struct coh_overdue {
    struct event timer;
    bool is_counting;
};

/* Before any other call, and before the worker is freed. */
void coh_overdue_init(struct coh_worker *worker);
void coh_overdue_fini(struct coh_worker *worker);

/* How long it may take from now on, in milliseconds: what its generation has
   waited before it told its workers is over. 0: no limit. */
uint64_t coh_overdue_limit(const struct coh_worker *worker);

/* It has been told: a second after its generation's limit it is killed, told as
   stuck. Without a limit it may stay for ever. Fine twice: the first counts. */
void coh_overdue_begin(struct coh_worker *worker);

#endif
