/* The directive tables of the processes, in running order. */
#ifndef COH_SERVER_MODULES_H
#define COH_SERVER_MODULES_H

#include <cohort/conf.h>

struct coh_arena;
struct cohort_service;

/* Ours, then those of the service; ends with NULL, lives with the arena. */
struct cohort_module *const *coh_modules_list(
    struct coh_arena *arena, const struct cohort_service *service);

#endif
