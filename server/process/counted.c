/* The engine's own counters, declared beside those of the service. */
#include "server/process/counted.h"

#include "server/process/counted_names.h"

#define OF_WORKERS COH_COUNTED_OF("worker")

const struct cohort_counter coh_counted[COH_COUNTED_COUNT] = {
    [COH_COUNTED_ACCEPT_ERRORS] =
        {.name = COH_ACCEPT_ERRORS_NAME,
         .help = COH_ACCEPT_ERRORS_HELP,
         .labels = OF_WORKERS},
    [COH_COUNTED_LIMIT] =
        {.name = "cohort_connections_limit_reached_total",
         .help = "How often a worker had worker_connections open as another "
                 "one came."},
    [COH_COUNTED_RECLAIMED] =
        {.name = "cohort_idle_connections_closed_total",
         .help = "Idle connections closed to make room for new ones."},
    [COH_COUNTED_PAUSES] =
        {.name = COH_ACCEPT_PAUSES_NAME,
         .help = COH_ACCEPT_PAUSES_HELP,
         .labels = OF_WORKERS},
    [COH_COUNTED_PAUSED] =
        {.name = COH_ACCEPT_PAUSED_NAME,
         .help = COH_ACCEPT_PAUSED_HELP,
         .kind = COHORT_GAUGE,
         .labels = OF_WORKERS},
    [COH_COUNTED_LOG_LINES] =
        {.name = COH_LOG_LINES_NAME,
         .help = COH_LOG_LINES_HELP,
         .labels = OF_WORKERS},
};
