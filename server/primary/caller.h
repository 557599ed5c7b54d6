/* The program that runs the primary asks it for something, by a C call. As for
   the admin socket, but for who is told the outcome.

   A call is only noted: it may come out of an event that is told in the middle
   of something. What it asks for is done when the loop comes round. */
#ifndef COH_PRIMARY_CALLER_H
#define COH_PRIMARY_CALLER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include "server/primary/asker.h"

struct coh_primary;

TAILQ_HEAD(coh_call_list, coh_call);

struct coh_caller {
    pid_t thread; /* that the primary runs in; 0: there is none */
    struct coh_asker asker;
    struct event wake;
    struct coh_call_list noted;   /* in the order of the calls */
    struct coh_call_list waiting; /* for their outcome */
    unsigned count;               /* of both */
    uint64_t last;                /* call's number */
};

/* Calls are taken from now on. */
void coh_caller_begin(struct coh_caller *caller, struct coh_primary *primary);

/* The loop has ended: whoever waits is told so. NULL, and one that has not
   begun, are fine. */
void coh_caller_end(struct coh_caller *caller);

/*
 * Note what is asked for.
 *
 * ask         Of coh_verb_ask(), without data.
 * on_outcome  Called once, from the loop or at the end, never inside this call;
 *             not when it fails. NULL: nobody is told.
 * Returns     0; -EPERM: the primary does not run in this thread; -ENOBUFS:
 *             COH_PENDING_MAX have none yet; -ENOMEM.
 */
int coh_caller_ask(
    struct coh_caller *caller, const struct coh_frame_ask *ask,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user);

#endif
