/* Where and how the kernel runs a worker: on which CPUs, with which priority,
   in which folder, and whether it leaves a core file. */
#ifndef COH_PROCESS_PLACEMENT_H
#define COH_PROCESS_PLACEMENT_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <cohort/str.h>

struct cohort_log;

struct coh_placement {
    bool is_auto; /* one CPU each, of all or of those in the mask */
    struct {
        cpu_set_t *array; /* of the first worker, the second ... */
        size_t count;
    } masks;
    struct {
        int value;
        bool is_set;
    } priority;
    struct {
        uint64_t size; /* bytes */
        bool is_set;
    } core;
    struct cohort_str directory; /* "" : stay */
};

extern struct cohort_module coh_placement_module;

const struct coh_placement *coh_placement_of(void *const *settings);

/*
 * In a worker: what needs the rights of the starter, and what comes when they
 * are gone. What the kernel refuses is logged and done without.
 *
 * place  Among the workers of its generation, from 0.
 */
void coh_placement_apply(
    const struct coh_placement *placement, unsigned place,
    struct cohort_log *log);
void coh_placement_settle(
    const struct coh_placement *placement, struct cohort_log *log);

/* The CPUs of a worker, of those that the process may use now. False: leave it
   where it is. */
bool coh_placement_cpus(
    const struct coh_placement *placement, unsigned place,
    const cpu_set_t *usable, cpu_set_t *cpus);

#endif
