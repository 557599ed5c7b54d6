/* What the primary replaces workers of a group for: too big, too old, stuck. */
#ifndef COH_PROCESS_UPKEEP_H
#define COH_PROCESS_UPKEEP_H

#include <stdint.h>

struct cohort_conf;

/* worker_watchdog: what it is, and may be. */
#define COH_UPKEEP_WATCHDOG_MS 10000
#define COH_UPKEEP_WATCHDOG_MIN_MS 100
#define COH_UPKEEP_WATCHDOG_MAX_MS (24 * 3600 * 1000)

/* Of one group of workers; 0: no limit. Goes into frames as it is. */
struct coh_upkeep {
    uint64_t max_rss;      /* resident memory, in bytes */
    uint64_t max_requests; /* served */
    uint64_t max_age_ms;   /* since its start */
    uint64_t watchdog_ms;  /* without coming back to its event loop */
};

extern struct cohort_module coh_upkeep_module;

/* Those of the block that conf stands in, or that settings are of. Valid as
   long as the generation. */
const struct coh_upkeep *coh_upkeep_here(const struct cohort_conf *conf);
const struct coh_upkeep *coh_upkeep_of(void *const *settings);

#endif
