/* max_old_generations: each holds processes, slots and memory for as long as
   its slowest client likes. */
#include "server/primary/old_generations.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "server/primary/generation.h"
#include "server/primary/retire.h"

static bool
is_old(const struct coh_generation *generation)
{
    return generation->has_served && !generation->is_cut &&
        generation->state >= COH_GENERATION_RETIRING;
}

/* The first one is the oldest. */
static unsigned
count_old(const struct coh_primary *primary, struct coh_generation **oldest)
{
    struct coh_generation *generation;
    unsigned count = 0;

    TAILQ_FOREACH (generation, &primary->generations, link) {
        if (is_old(generation)) {
            *oldest = count++ == 0 ? generation : *oldest;
        }
    }
    return count;
}

static void
cut(struct coh_generation *generation)
{
    cohort_warn(
        &generation->primary->log,
        "ending generation %" PRIu64
        " at once, with the requests of its %u worker%s: a reload was forced",
        generation->number, generation->worker_count,
        generation->worker_count == 1 ? "" : "s");
    generation->is_cut = true;
    coh_retire_at_once(generation, SIGTERM); /* may free it */
}

int
coh_old_generations_make_room(
    struct coh_primary *primary, bool is_forced, char *why, size_t why_size)
{
    uint32_t max = primary->current->settings.transition.max_old_generations;
    struct coh_generation *oldest = NULL;
    unsigned count = count_old(primary, &oldest);

    while (is_forced && count >= max) {
        cut(oldest);
        count = count_old(primary, &oldest);
    }
    if (count < max) {
        return 0;
    }
    snprintf(
        why, why_size,
        "%u old generation%s still finish%s requests, and max_old_generations "
        "is %" PRIu32 ": wait, bound them by worker_shutdown_timeout, or end "
        "the oldest at once by \"cohort ctl reload --force\"",
        count, count == 1 ? "" : "s", count == 1 ? "es" : "", max);
    return -EBUSY;
}
