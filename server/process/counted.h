/* The engine's own counters, declared beside those of the service. */
#ifndef COH_PROCESS_COUNTED_H
#define COH_PROCESS_COUNTED_H

#include <cohort/cohort.h>

#include "server/accept/counted.h"

/* One for each enum coh_counted. */
extern const struct cohort_counter coh_counted[COH_COUNTED_COUNT];

#endif
