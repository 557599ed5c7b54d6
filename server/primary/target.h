/* What doors name by an id or a name: a worker of any group, the built-in one
   or a program's, and a group of either kind. */
#ifndef COH_PRIMARY_TARGET_H
#define COH_PRIMARY_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_group;
struct coh_primary;
struct coh_worker;
struct cohort_worker;

/* Either worker, or member with its group. */
struct coh_target {
    struct coh_worker *worker;
    struct cohort_worker *member;
    struct coh_group *group;
};

/* False: there is none of that id (any more). */
bool coh_target_find(
    struct coh_primary *primary, uint64_t id, struct coh_target *target);

/* Finish what it has, and leave; its place stays empty. 0; -EALREADY; -EBUSY:
   not with the policy reuseport. */
int coh_target_disconnect(const struct coh_target *target);

/* Send it a signal; one that ends it leaves its place empty, but with the
   policy reuseport. number is one that there is. 0; -EBUSY: QUIT, not with that
   policy; -EPERM: another user's. */
int coh_target_kill(const struct coh_target *target, int number);

/* Start another one; this one leaves when that serves. 0 with the successor's
   id; -errno as coh_dismiss_replace. */
int coh_target_replace(const struct coh_target *target, uint64_t *successor);

bool coh_target_serves(const struct coh_target *target);

/* A message, which is JSON. 0; COHORT_BACKPRESSURE; -EAGAIN: it is only just
   starting; -EOPNOTSUPP: they take none; -ENOBUFS: it does not read; others: it
   is about to leave. */
int coh_target_send(const struct coh_target *target, struct cohort_str message);

/* --- groups --------------------------------------------------------------- */

/* How many workers a group has, and may have. */
struct coh_target_size {
    unsigned target;
    unsigned max;
};

/* The group of that name ("": main) in the current generation. 0; -ENOENT;
   -EBUSY: main has nothing to do. */
int coh_target_size(
    struct coh_primary *primary, const char *name,
    struct coh_target_size *size);

/* NULL: workers that miss can be started; or why nobody can wait for them. */
const char *coh_target_objection(
    const struct coh_primary *primary, const char *name);

/* Have so many, 1..max. 0; -EAGAIN: not serving, or an upgrade is under way;
   -errno as coh_target_size. */
int coh_target_scale(
    struct coh_primary *primary, const char *name, unsigned count);

/* As coh_grow_check and coh_grow (grow.h), for any group. */
int coh_target_grow_check(
    struct coh_primary *primary, const char *name, unsigned count,
    struct cohort_str environment);
void coh_target_grow(
    struct coh_primary *primary, const char *name, unsigned count,
    struct cohort_str environment);

/* As many serve as there should be, and no more take part. */
bool coh_target_has_settled(struct coh_primary *primary, const char *name);

#endif
