/* Directives of nginx's that steer machinery which is not here: accepted, and
   -h says so. */
#include "server/process/no_effect.h"

#define NO_EFFECT(directive, arguments, context, minimum, maximum)             \
    {                                                                          \
        .name = (directive), .usage = (arguments), .where = (context),         \
        .args = {(minimum), (maximum)}, .kind = COHORT_KIND_ADD,               \
        .has_no_effect = true, .set = cohort_conf_set_nothing,                 \
    }

static const struct cohort_directive directives[] = {
    NO_EFFECT("use", "method", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("multi_accept", "on | off", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("accept_mutex", "on | off", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("accept_mutex_delay", "time", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("worker_aio_requests", "number", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("debug_connection", "address", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("debug_points", "abort | stop", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("lock_file", "file", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("pcre_jit", "on | off", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT(
        "thread_pool", "name threads=number [max_queue=number]", COHORT_IN_MAIN,
        2, 3),
    NO_EFFECT("timer_resolution", "interval", COHORT_IN_MAIN, 1, 1),
    {.name = NULL},
};

struct cohort_module coh_no_effect_module = {
    .api = COHORT_MODULE_API,
    .name = "no effect",
    .directives = directives,
    .settings_in = COHORT_IN_MAIN,
};
