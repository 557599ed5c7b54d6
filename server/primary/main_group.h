/* The group main, the workers of a generation, among those whose workers are
   looked after. */
#ifndef COH_PRIMARY_MAIN_GROUP_H
#define COH_PRIMARY_MAIN_GROUP_H

#include <stdint.h>

struct coh_generation;
struct coh_worker;

void coh_main_group_init(struct coh_generation *generation);
void coh_main_group_fini(struct coh_generation *generation);

/* A worker was born; it serves from now on; it leaves; it has ended. Fine
   twice. */
void coh_main_group_begin(struct coh_worker *worker);
void coh_main_group_join(struct coh_worker *worker);
void coh_main_group_leave(struct coh_worker *worker);
void coh_main_group_lose(struct coh_worker *worker);

/* Requests that it has served; 0 if its service does not count any. */
uint64_t coh_main_group_served(const struct coh_worker *worker);

#endif
