/* Directives: term_signal, max_old_generations, reload_canary. */
#include "server/process/transition.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <cohort/conf.h>

#include "server/accept/policy.h"
#include "server/process/load.h"

#define CANARY_MIN_MS 100
#define CANARY_MAX_MS 3600000

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

/* "10%" */
static int
parse_percent(struct cohort_str text, uint32_t *percent)
{
    uint64_t number = 0;

    if (text.size < 2 || text.data[text.size - 1] != '%' ||
        cohort_parse_number(
            cohort_str_n(text.data, text.size - 1), 99, &number) < 0) {
        return -EINVAL;
    }
    *percent = (uint32_t)number;
    return number > 0 ? 0 : -EINVAL;
}

static int
set_canary(struct cohort_conf *conf, void *settings)
{
    struct coh_transition *made = settings;
    size_t count = cohort_conf_arg_count(conf);

    if (count == 1 && cohort_conf_arg_is(conf, 0, "off")) {
        return 0;
    }
    if (count != 2 ||
        parse_percent(cohort_conf_arg(conf, 0), &made->canary_percent) < 0) {
        return cohort_conf_error_at(
            conf, 0,
            "\"reload_canary\" takes off, or a share from 1%% to 99%% and a "
            "time, as 10%% 5s");
    }
    if (cohort_parse_time_ms(cohort_conf_arg(conf, 1), &made->canary_ms) < 0 ||
        made->canary_ms < CANARY_MIN_MS || made->canary_ms > CANARY_MAX_MS) {
        return cohort_conf_error_at(
            conf, 1, "\"reload_canary\" takes a time from 100ms to 1h");
    }
    return 0;
}

const struct coh_transition *
coh_transition_of(void *const *settings)
{
    return settings[coh_transition_module.index];
}

/* --- what cannot be obeyed ------------------------------------------------ */

/* The first address where workers accept by themselves; NULL: none. */
static const struct cohort_listener *
find_unshared(const struct cohort_load *load)
{
    for (size_t i = 0; i < load->listener_count; i++) {
        if (coh_policy_of(load->listeners[i].options.policy)->worker_start) {
            return &load->listeners[i];
        }
    }
    return NULL;
}

void
coh_transition_check(struct cohort_load *load)
{
    const struct cohort_listener *listener = find_unshared(load);
    char address[COH_ADDR_TEXT_MAX];
    char text[COH_ADDR_TEXT_MAX + 192] =
        "\"reload_canary\" is not obeyed: there are worker groups alone, which "
        "have no trials";

    if (coh_transition_of(load->conf.settings)->canary_percent == 0 ||
        (load->listener_count > 0 && !listener)) {
        return;
    }
    if (listener) {
        snprintf(
            text, sizeof(text),
            "\"reload_canary\" is not obeyed: workers accept by themselves at "
            "%s (policy %s); round_robin and least_conn have trials",
            coh_addr_format(&listener->address, address),
            coh_policy_of(listener->options.policy)->name);
    }
    load->tell(load->user, false, text);
}

/* --- directives ----------------------------------------------------------- */

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
    {
        .name = "reload_canary",
        .usage = "share time | off",
        .help = "Give the new generation of a reload that share of the new "
                "connections first, as 10%, and go back to the old one if it "
                "crashes, fails more often, is slower or hangs in that time. "
                "For round_robin and least_conn.",
        .default_value = "off",
        .where = COHORT_IN_MAIN,
        .args = {1, 2},
        .field = SETTING(canary_percent),
        .set = set_canary,
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
