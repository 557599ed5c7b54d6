/* Turns of the members that accept from one socket (policy shared): the memory
   in which they see each other, a place for each. */
#ifndef COH_CLUSTER_SITE_TURNS_H
#define COH_CLUSTER_SITE_TURNS_H

#include <stdint.h>

#include "server/accept/turns.h"
#include "server/cluster/site.h"

/* Places. Whoever finds none accepts without turns, as others do that don't
   know of them. */
#define COH_SITE_TURNS_MAX 1024

/* One for each socket: what was asked for as port 0 and by its number are two
   sites, whose members accept side by side. A place is its member's as long as
   that lives, and the next one's afterwards: one that was told to leave may
   still write there. */
struct coh_site_turns {
    unsigned site_count;         /* that accept there */
    unsigned outsider_count;     /* seats without a turn */
    int fd;                      /* of the memory, for members */
    struct coh_turns_area *area; /* NULL: no member has taken turns so far */
    uint64_t owners[COH_SITE_TURNS_MAX]; /* by place: a member's id; 0: none */
};

/* A seat is taken: it has a turn, if it can and the policy has any. */
void coh_site_turns_come(struct coh_seat *seat);

/* It has been told to accept, and the others wait for it; they don't, it hangs;
   it is left. Fine for a seat without a turn. */
void coh_site_turns_expect(struct coh_seat *seat);
void coh_site_turns_isolate(struct coh_seat *seat);
void coh_site_turns_leave(struct coh_seat *seat);

/* The member has ended: its places, wherever it had some, are free. */
void coh_site_turns_bury(const struct cohort_worker *member);

void coh_site_turns_fini(struct coh_site *site);

/* In a forked child: close the descriptor, nothing else. */
void coh_site_turns_forget(struct coh_site *site);

#endif
