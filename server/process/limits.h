/* What the system lets a worker have. */
#ifndef COH_PROCESS_LIMITS_H
#define COH_PROCESS_LIMITS_H

#include "server/process/settings.h"

struct coh_arena;
struct cohort_log;

/* worker_rlimit_nofile; without it as much as we may have without asking. Warns
   when worker_connections cannot be reached. Needs the rights of the
   starter. */
void coh_limits_apply(
    const struct coh_settings *settings, struct cohort_log *log);

/* Leave of the environment what the env directives name, and TZ; without any,
   all of it. The arena lives as long as the process. */
void coh_environment_apply(
    const struct coh_settings *settings, struct coh_arena *arena);

/* Add to it what list says: "NAME=VALUE", a NUL behind each, "" at the end;
   NULL for nothing. It lives as long as the process, too. */
void coh_environment_add(const char *list);

#endif
