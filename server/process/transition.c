/* Directives: term_signal. */
#include "server/process/transition.h"

#include <stdbool.h>

#include <cohort/conf.h>

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
    {.name = NULL},
};

struct cohort_module coh_transition_module = {
    .api = COHORT_MODULE_API,
    .name = "transition",
    .directives = directives,
    .settings_size = sizeof(struct coh_transition),
    .settings_in = COHORT_IN_MAIN,
};
