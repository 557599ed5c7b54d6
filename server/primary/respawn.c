/* Back-off: the first deaths cost nothing, a crash loop slows itself down, and
   a place is never given up. */
#include "server/primary/respawn.h"

uint64_t
coh_respawn_delay(struct coh_respawn *respawn, uint64_t life_ms)
{
    if (life_ms >= COH_RESPAWN_LONG_MS) {
        *respawn = (struct coh_respawn){0};
    }
    if (life_ms >= COH_RESPAWN_SHORT_MS) {
        respawn->short_lives = 0;
        return 0;
    }
    respawn->short_lives++;
    if (respawn->short_lives <= COH_RESPAWN_FREE_DEATHS) {
        return 0;
    }
    respawn->delay_ms =
        respawn->delay_ms == 0 ? COH_RESPAWN_DELAY_MS : 2 * respawn->delay_ms;
    if (respawn->delay_ms > COH_RESPAWN_DELAY_MAX_MS) {
        respawn->delay_ms = COH_RESPAWN_DELAY_MAX_MS;
    }
    return respawn->delay_ms;
}

uint64_t
coh_respawn_pace(
    struct coh_respawn_pace *pace, uint64_t now_ms, unsigned worker_count)
{
    uint64_t each_ms =
        60000 / (COH_RESPAWN_PER_MINUTE * (uint64_t)worker_count);
    uint64_t begin_ms = pace->paid_ms > now_ms ? pace->paid_ms : now_ms;
    uint64_t ahead_ms = begin_ms - now_ms;

    pace->paid_ms = begin_ms + (each_ms > 0 ? each_ms : 1);
    return ahead_ms > 60000 ? ahead_ms - 60000 : 0;
}
