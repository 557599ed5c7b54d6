/* How workers are started: the settings of now, merged, checked and owned. */
#ifndef COH_CLUSTER_SETTINGS_H
#define COH_CLUSTER_SETTINGS_H

#include <cohort/cluster.h>

#include "server/process/settings.h"

struct coh_arena;
struct cohort_log;

/* Where the default for exec is looked up: what runs now. */
#define COH_CLUSTER_SELF "/proc/self/exe"

struct coh_cluster_settings {
    struct coh_arena *arena;      /* holds all of it */
    struct cohort_settings shown; /* what programs see: nothing "as before" */
    struct cohort_stdio stdio[COHORT_STDIO_MAX];
    unsigned channel; /* the number of the stdio that is the channel, if
                         there is one */
    struct coh_identity identity;
    bool is_self;   /* exec is this program */
    bool has_stdio; /* by a list, not by silent */
};

/*
 * before with the changes over it.
 *
 * before   NULL: the defaults. changes NULL: none. Both stay the caller's.
 * Returns  A new one, for coh_cluster_settings_free; NULL after a log line that
 *          says which setting is bad.
 */
struct coh_cluster_settings *coh_cluster_settings_make(
    const struct coh_cluster_settings *before,
    const struct cohort_settings *changes, struct cohort_log *log);

/* Is each entry "NAME=VALUE"? NULL is fine. */
bool coh_environment_is_valid(const char *const *environment);

void coh_cluster_settings_free(struct coh_cluster_settings *settings);

#endif
