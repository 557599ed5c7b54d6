/* How generations follow each other, and how the last one ends. */
#ifndef COH_PROCESS_TRANSITION_H
#define COH_PROCESS_TRANSITION_H

#include <stdint.h>

/* Slots are reserved for so many, beside the current and the next one. */
#define COH_OLD_GENERATIONS_MAX 8

struct cohort_load;

/* Goes into frames as it is. */
struct coh_transition {
    uint32_t is_term_graceful; /* term_signal: TERM drains, as QUIT does */
    uint32_t max_old_generations;
    uint32_t canary_percent; /* reload_canary; 0: off */
    uint32_t reserved;
    uint64_t canary_ms;
};

extern struct cohort_module coh_transition_module;

/* Valid as long as the generation. */
const struct coh_transition *coh_transition_of(void *const *settings);

/* Warn of what the addresses of a load do not let happen. What only a reload
   can show (canary.h) is not known here. */
void coh_transition_check(struct cohort_load *load);

#endif
