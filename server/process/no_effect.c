/* Directives of nginx's that steer machinery which is not here: accepted with
   their syntax checked, and -h says so. */
#include "server/process/no_effect.h"

#include <string.h>

#include "core/str.h"

/* What they say, which only its own check ever reads. */
struct ignored {
    bool flag;
    int choice;
    uint64_t number; /* or milliseconds */
};

static const struct cohort_conf_choice methods[] = {
    {"epoll", 0},     {"poll", 0},      {"select", 0}, {"kqueue", 0},
    {"/dev/poll", 0}, {"eventport", 0}, {NULL, 0},
};

static const struct cohort_conf_choice points[] = {
    {"abort", 0},
    {"stop", 0},
    {NULL, 0},
};

static int
check_pool_number(struct cohort_conf *conf, size_t index, size_t prefix_size)
{
    struct cohort_str word = cohort_conf_arg(conf, index);
    uint64_t number;

    if (cohort_parse_number(
            coh_str_from(word, prefix_size), INT32_MAX, &number) < 0) {
        return cohort_conf_error_at(
            conf, index,
            "invalid value \"%s\"\nwrite a number behind the \"=\"", word.data);
    }
    return 0;
}

static int
check_thread_pool(struct cohort_conf *conf, void *settings)
{
    int result = 0;

    (void)settings;
    for (size_t i = 1; i < cohort_conf_arg_count(conf) && result == 0; i++) {
        struct cohort_str word = cohort_conf_arg(conf, i);

        if (coh_str_starts_with(word, COH_STR("threads="))) {
            result = check_pool_number(conf, i, strlen("threads="));
        } else if (coh_str_starts_with(word, COH_STR("max_queue="))) {
            result = check_pool_number(conf, i, strlen("max_queue="));
        } else {
            result = cohort_conf_error_at(
                conf, i,
                "invalid parameter \"%s\"\nwrite threads=NUMBER or "
                "max_queue=NUMBER",
                word.data);
        }
    }
    return result;
}

/* The last arguments say how the value is checked. */
#define NO_EFFECT(directive, arguments, context, minimum, maximum, why, ...)   \
    {                                                                          \
        .name = (directive), .usage = (arguments), .help = (why),              \
        .where = (context), .args = {(minimum), (maximum)},                    \
        .kind = COHORT_KIND_ADD, .has_no_effect = true, __VA_ARGS__            \
    }

#define STORED(function, member)                                               \
    .set = (function), .field = COHORT_FIELD(struct ignored, member)
#define A_FLAG STORED(cohort_conf_set_flag, flag)
#define A_NUMBER STORED(cohort_conf_set_number, number)
#define A_TIME STORED(cohort_conf_set_time_ms, number)
#define ONE_OF(list) STORED(cohort_conf_set_choice, choice), .choices = (list)
/* Host names and files may have any form. */
#define ANYTHING .set = cohort_conf_set_nothing

#define NO_MUTEX                                                               \
    "No two workers wake up for the same connection: scheduling_policy says "  \
    "which one gets it."
#define NO_THREADS "Files are sent by the kernel, not read by threads."

static const struct cohort_directive directives[] = {
    NO_EFFECT(
        "use", "method", COHORT_IN_EVENTS, 1, 1,
        "Processes wait by epoll, always.", ONE_OF(methods)),
    NO_EFFECT(
        "multi_accept", "on | off", COHORT_IN_EVENTS, 1, 1,
        "How many connections are accepted at a time follows from "
        "scheduling_policy and from how fast they come.",
        A_FLAG),
    NO_EFFECT(
        "accept_mutex", "on | off", COHORT_IN_EVENTS, 1, 1, NO_MUTEX, A_FLAG),
    NO_EFFECT(
        "accept_mutex_delay", "time", COHORT_IN_EVENTS, 1, 1, NO_MUTEX, A_TIME),
    NO_EFFECT(
        "worker_aio_requests", "number", COHORT_IN_EVENTS, 1, 1, NO_THREADS,
        A_NUMBER),
    NO_EFFECT(
        "debug_connection", "address", COHORT_IN_EVENTS, 1, 1,
        "The level of error_log is the same for all clients.", ANYTHING),
    NO_EFFECT(
        "debug_points", "abort | stop", COHORT_IN_MAIN, 1, 1,
        "A process that finds itself in error always aborts and says why on "
        "standard error.",
        ONE_OF(points)),
    NO_EFFECT(
        "lock_file", "file", COHORT_IN_MAIN, 1, 1,
        "Processes share memory and lock nothing by files.", ANYTHING),
    NO_EFFECT(
        "pcre_jit", "on | off", COHORT_IN_MAIN, 1, 1,
        "There are no regular expressions in this version.", A_FLAG),
    NO_EFFECT(
        "thread_pool", "name threads=number [max_queue=number]", COHORT_IN_MAIN,
        2, 3, NO_THREADS, .set = check_thread_pool),
    NO_EFFECT(
        "timer_resolution", "interval", COHORT_IN_MAIN, 1, 1,
        "The time is read once in a turn of the event loop, which costs no "
        "system call.",
        A_TIME),
    {.name = NULL},
};

struct cohort_module coh_no_effect_module = {
    .api = COHORT_MODULE_API,
    .name = "no effect",
    .directives = directives,
    .settings_size = sizeof(struct ignored),
    .settings_in = COHORT_IN_MAIN,
};
