/* Directives: max_rss, max_requests, max_age and worker_watchdog. */
#include "server/process/upkeep.h"

#include <cohort/conf.h>

static void
init_settings(void *settings)
{
    struct coh_upkeep *made = settings;

    made->watchdog_ms = COH_UPKEEP_WATCHDOG_MS;
}

/* worker_watchdog off */
static int
set_watchdog(struct cohort_conf *conf, void *settings)
{
    struct coh_upkeep *made = settings;

    if (cohort_conf_arg_is(conf, 0, "off")) {
        made->watchdog_ms = 0;
        return 0;
    }
    return cohort_conf_set_time_ms(conf, settings);
}

const struct coh_upkeep *
coh_upkeep_here(const struct cohort_conf *conf)
{
    return cohort_conf_settings_of(conf, &coh_upkeep_module);
}

const struct coh_upkeep *
coh_upkeep_of(void *const *settings)
{
    return settings[coh_upkeep_module.index];
}

#define WHERE (COHORT_IN_MAIN | COHORT_IN_WORKER_GROUP)
#define SETTING(member) COHORT_FIELD(struct coh_upkeep, member)

/* The limits of the main context are those of the group main: a worker_group
   has its own. */
static const struct cohort_directive directives[] = {
    {
        .name = "max_rss",
        .usage = "size",
        .help = "Replace a worker whose resident memory is larger: another "
                "one serves first, then it finishes and leaves.",
        .where = WHERE,
        .args = {1, 1},
        .inherit = COHORT_INHERIT_NEVER,
        .field = SETTING(max_rss),
        .limit_min = 1024 * 1024,
        .set = cohort_conf_set_size,
    },
    {
        .name = "max_requests",
        .usage = "number",
        .help = "Replace a worker that has served about so many requests "
                "(each has a limit of its own, up to a tenth lower). In a "
                "worker_group connections count, not requests; where nobody "
                "can count them it is refused: with protocol listen_fds, and "
                "with node and shared.",
        .where = WHERE,
        .args = {1, 1},
        .inherit = COHORT_INHERIT_NEVER,
        .field = SETTING(max_requests),
        .limit_min = 1,
        .set = cohort_conf_set_number,
    },
    {
        .name = "max_age",
        .usage = "time",
        .help = "Replace a worker that has lived about so long (each has a "
                "limit of its own, up to a tenth lower).",
        .where = WHERE,
        .args = {1, 1},
        .inherit = COHORT_INHERIT_NEVER,
        .field = SETTING(max_age_ms),
        .limit_min = 1000,
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "worker_watchdog",
        .usage = "time | off",
        .help = "A worker that does not come back to its event loop for so "
                "long is stuck: it gets nothing new, is replaced, and ended "
                "by TERM, ABRT and KILL at 1.5, 2 and 2.5 times that. In the "
                "main context it is for the admin helper, too, which is "
                "killed then.",
        .default_value = "10s",
        .where = WHERE,
        .args = {1, 1},
        .field = SETTING(watchdog_ms),
        .limit_min = COH_UPKEEP_WATCHDOG_MIN_MS,
        .limit_max = COH_UPKEEP_WATCHDOG_MAX_MS,
        .set = set_watchdog,
    },
    {.name = NULL},
};

struct cohort_module coh_upkeep_module = {
    .api = COHORT_MODULE_API,
    .name = "upkeep",
    .directives = directives,
    .settings_size = sizeof(struct coh_upkeep),
    .settings_in = COHORT_IN_MAIN,
    .init = init_settings,
};
