/* One record for each group. */
#include "server/primary/upgrade/scaled.h"

#include <errno.h>
#include <string.h>

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"

void
coh_scaled_describe(const struct coh_primary *primary, struct coh_state *state)
{
    const struct coh_generation *current = primary->current;
    const struct coh_state_target main_target = {
        .name = cohort_str(COH_GROUP_MAIN),
        .configured = current->settings.worker_processes,
        .target = current->target,
    };
    const struct coh_group *group;

    coh_state_add_target(state, &main_target);
    TAILQ_FOREACH (group, &primary->groups, link) {
        const struct coh_state_target target = {
            .name = cohort_str(group->name),
            .configured = group->declaration->frame->processes,
            .target = group->target,
        };

        if (group->state == COH_GROUP_SERVING) {
            coh_state_add_target(state, &target);
        }
    }
}

int
coh_scaled_inherit(
    struct coh_scaled_list *list, const struct coh_state_record *record)
{
    struct coh_state_target told;
    struct coh_scaled *scaled = &list->array[list->count];
    int result = coh_state_read_target(record, &told);

    if (result < 0) {
        return result;
    }
    if (list->count == sizeof(list->array) / sizeof(list->array[0])) {
        return 0; /* another build may have more groups: these start anew */
    }
    memcpy(scaled->name, told.name.data, told.name.size);
    scaled->name[told.name.size] = '\0';
    scaled->configured = told.configured;
    scaled->target = told.target;
    list->count++;
    return 0;
}

unsigned
coh_scaled_choose(
    const struct coh_scaled_list *list, const char *name, unsigned configured,
    unsigned max)
{
    unsigned limit = configured > max ? configured : max;

    for (size_t i = 0; i < list->count; i++) {
        const struct coh_scaled *scaled = &list->array[i];

        if (strcmp(scaled->name, name) == 0 &&
            scaled->configured == configured) {
            return scaled->target < limit ? scaled->target : limit;
        }
    }
    return configured;
}
