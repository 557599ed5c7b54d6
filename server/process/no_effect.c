/* Directives of nginx's that steer machinery which is not here: accepted, and
   -h says so. */
#include "server/process/no_effect.h"

#define NO_EFFECT(directive, arguments, context, minimum, maximum, why)        \
    {                                                                          \
        .name = (directive), .usage = (arguments), .help = (why),              \
        .where = (context), .args = {(minimum), (maximum)},                    \
        .kind = COHORT_KIND_ADD, .has_no_effect = true,                        \
        .set = cohort_conf_set_nothing,                                        \
    }

#define NO_MUTEX                                                               \
    "No two workers wake up for the same connection: scheduling_policy says "  \
    "which one gets it."
#define NO_THREADS "Files are sent by the kernel, not read by threads."

static const struct cohort_directive directives[] = {
    NO_EFFECT(
        "use", "method", COHORT_IN_EVENTS, 1, 1,
        "Processes wait by epoll, always."),
    NO_EFFECT(
        "multi_accept", "on | off", COHORT_IN_EVENTS, 1, 1,
        "How many connections are accepted at a time follows from "
        "scheduling_policy and from how fast they come."),
    NO_EFFECT("accept_mutex", "on | off", COHORT_IN_EVENTS, 1, 1, NO_MUTEX),
    NO_EFFECT("accept_mutex_delay", "time", COHORT_IN_EVENTS, 1, 1, NO_MUTEX),
    NO_EFFECT(
        "worker_aio_requests", "number", COHORT_IN_EVENTS, 1, 1, NO_THREADS),
    NO_EFFECT(
        "debug_connection", "address", COHORT_IN_EVENTS, 1, 1,
        "The level of error_log is the same for all clients."),
    NO_EFFECT(
        "debug_points", "abort | stop", COHORT_IN_MAIN, 1, 1,
        "A process that finds itself in error always aborts and says why on "
        "standard error."),
    NO_EFFECT(
        "lock_file", "file", COHORT_IN_MAIN, 1, 1,
        "Processes share memory and lock nothing by files."),
    NO_EFFECT(
        "pcre_jit", "on | off", COHORT_IN_MAIN, 1, 1,
        "There are no regular expressions in this version."),
    NO_EFFECT(
        "thread_pool", "name threads=number [max_queue=number]", COHORT_IN_MAIN,
        2, 3, NO_THREADS),
    NO_EFFECT(
        "timer_resolution", "interval", COHORT_IN_MAIN, 1, 1,
        "The time is read once in a turn of the event loop, which costs no "
        "system call."),
    {.name = NULL},
};

struct cohort_module coh_no_effect_module = {
    .api = COHORT_MODULE_API,
    .name = "no effect",
    .directives = directives,
    .settings_in = COHORT_IN_MAIN,
};
