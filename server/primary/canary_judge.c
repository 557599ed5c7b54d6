/* What speaks against a generation on trial: it fails more often than the old
   one, is much slower, or hangs. */
#include <inttypes.h>
#include <stdio.h>

#include "server/primary/canary.h"

/* So many errors are no accident, unless they are all that there is. */
#define BAD_MIN 3

/* How much worse is too much: errors more than twice as frequent and a
   hundredth of all; answers that take more than twice as long and 50 ms. */
#define TIMES_MAX 2
#define BAD_PERCENT_MAX 1
#define LATENCY_MAX_US 50000
#define LATENCY_COUNT_MIN 10

/* So many clients do not all connect without asking anything, or wait since
   just now. */
#define UNANSWERED_MIN 3

static uint64_t
count_all(const struct coh_health *health)
{
    return health->counts[COHORT_HEALTH_GOOD] +
        health->counts[COHORT_HEALTH_BAD];
}

/* In hundredths of a percent, without rounding up. */
static uint64_t
bad_share(const struct coh_health *health)
{
    uint64_t all = count_all(health);

    return all == 0 ? 0 : health->counts[COHORT_HEALTH_BAD] * 10000 / all;
}

static uint64_t
latency_us(const struct coh_health *health)
{
    uint64_t all = count_all(health);

    return all == 0 ? 0 : health->counts[COHORT_HEALTH_LATENCY] / all;
}

static bool
fails_more(const struct coh_health *canary, const struct coh_health *old)
{
    uint64_t bad = canary->counts[COHORT_HEALTH_BAD];

    return bad > 0 && (bad >= BAD_MIN || bad == count_all(canary)) &&
        bad_share(canary) > TIMES_MAX * bad_share(old) + BAD_PERCENT_MAX * 100;
}

static bool
is_slower(const struct coh_health *canary, const struct coh_health *old)
{
    return count_all(canary) >= LATENCY_COUNT_MIN &&
        count_all(old) >= LATENCY_COUNT_MIN &&
        latency_us(canary) > TIMES_MAX * latency_us(old) + LATENCY_MAX_US;
}

static bool
answers_nothing(const struct coh_health *canary, const struct coh_health *old)
{
    return count_all(canary) == 0 && canary->open_count >= UNANSWERED_MIN &&
        count_all(old) > 0;
}

static void
describe(
    const struct coh_health *canary, const struct coh_health *old,
    const char *verdict, char *why)
{
    snprintf(
        why, COH_CANARY_WHY_MAX,
        "%s: %" PRIu64 " of its %" PRIu64
        " requests failed, which took %.1f ms on average; of the old "
        "generation %" PRIu64 " of %" PRIu64 ", %.1f ms",
        verdict, canary->counts[COHORT_HEALTH_BAD], count_all(canary),
        (double)latency_us(canary) / 1000, old->counts[COHORT_HEALTH_BAD],
        count_all(old), (double)latency_us(old) / 1000);
}

static void
describe_good(
    const struct coh_health *canary, const struct coh_health *old,
    char why[COH_CANARY_WHY_MAX])
{
    if (count_all(canary) > 0) {
        describe(canary, old, "the canary does well", why);
    } else {
        snprintf(
            why, COH_CANARY_WHY_MAX,
            "the canary had no request to be judged by%s",
            canary->open_count > 0 ? ", or has not answered it yet" : "");
    }
}

enum coh_canary_verdict
coh_canary_judge(
    const struct coh_health *canary, const struct coh_health *old, bool is_over,
    char why[COH_CANARY_WHY_MAX])
{
    uint64_t bad = canary->counts[COHORT_HEALTH_BAD];

    if (fails_more(canary, old) && (is_over || bad >= BAD_MIN)) {
        describe(canary, old, "the canary fails too often", why);
        return COH_CANARY_BAD;
    }
    if (!is_over) {
        return COH_CANARY_UNDECIDED;
    }
    if (is_slower(canary, old)) {
        describe(canary, old, "the canary is too slow", why);
        return COH_CANARY_BAD;
    }
    if (canary->hanging_count > 0) {
        snprintf(
            why, COH_CANARY_WHY_MAX,
            "the canary hangs: %u of its workers ha%s not come back to the "
            "event loop",
            canary->hanging_count, canary->hanging_count == 1 ? "s" : "ve");
        return COH_CANARY_BAD;
    }
    if (answers_nothing(canary, old)) {
        snprintf(
            why, COH_CANARY_WHY_MAX,
            "the canary hangs: it has %" PRIu64
            " connections and has answered none of them; of the old "
            "generation %" PRIu64 " requests were answered",
            canary->open_count, count_all(old));
        return COH_CANARY_BAD;
    }
    describe_good(canary, old, why);
    return COH_CANARY_GOOD;
}
