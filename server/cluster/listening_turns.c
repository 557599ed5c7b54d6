/* Turns among members that accept from one socket, seen from one of them. */
#include "core/shm.h"
#include "server/cluster/listening.h"

void
coh_listening_join_turns(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer)
{
    struct coh_turns_area *area;
    size_t size = coh_turns_area_size(answer->turn_count);

    if (answer->turn_count == 0) {
        return;
    }
    /* Without it we accept as we come, which is less even. */
    area = coh_shm_map(answer->turns, size);
    if (area == NULL) {
        return;
    }
    if (coh_turns_init(
            &listening->turns, area, answer->turn_count, answer->turn) < 0) {
        coh_shm_unmap(area, size);
        return;
    }
    listening->intake.turns = &listening->turns;
}

/* As soon as it accepts no more, not when its last connection has ended: the
   place may be another listening's of ours by then. */
void
coh_listening_leave_turns(struct cohort_listening *listening)
{
    struct coh_turns_area *area = listening->turns.area;
    size_t size = coh_turns_area_size(listening->turns.place_count);

    listening->intake.turns = NULL;
    coh_turns_fini(&listening->turns);
    coh_shm_unmap(area, size);
}
