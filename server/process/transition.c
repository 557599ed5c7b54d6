/* Directives: term_signal, max_old_generations. */
#include "server/process/transition.h"

#include <stdbool.h>

#include <cohort/conf.h>

static void
init_settings(void *settings)
{
    struct coh_transition *made = settings;

    made->max_old_generations = COH_OLD_GENERATIONS_MAX;
}

static int
set_term_signal(struct cohort_conf *conf, void *settings)
{
    struct coh_transition *made = settings;
    bool is_graceful = cohort_conf_arg_is(conf, 0, "graceful");

    if (!is_graceful && !cohort_conf_arg_is(conf, 0, "fast")) {
        return cohort_conf_error_at(
            conf, 0, "\"term_signal\" takes fast or graceful");
    }
    made->is_term_graceful = is_graceful;
    return 0;
}

const struct coh_transition *
coh_transition_of(void *const *settings)
{
    return settings[coh_transition_module.index];
}

#define SETTING(member) COHORT_FIELD(struct coh_transition, member)

static const struct cohort_directive directives[] = {
    {
        .name = "term_signal",
        .usage = "fast | graceful",
        .help = "What the signal TERM means: end at once, or finish all "
                "requests first, as container managers expect; a second TERM "
                "ends at once.",
        .default_value = "fast",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(is_term_graceful),
        .set = set_term_signal,
    },
    {
        .name = "max_old_generations",
        .usage = "number",
        .help = "How many replaced generations may still finish requests; a "
                "reload beyond that is refused, or ends the oldest at once if "
                "it is forced.",
        .default_value = "8",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(max_old_generations),
        .limit_min = 1,
        .limit_max = COH_OLD_GENERATIONS_MAX,
        .set = cohort_conf_set_number,
    },
    {.name = NULL},
};

struct cohort_module coh_transition_module = {
    .api = COHORT_MODULE_API,
    .name = "transition",
    .directives = directives,
    .settings_size = sizeof(struct coh_transition),
    .settings_in = COHORT_IN_MAIN,
    .init = init_settings,
};
