/* The list of our modules: a new one gets its line here. */
#include "server/modules.h"

#include <cohort/cohort.h>

#include "core/arena.h"
#include "server/process/admin_settings.h"
#include "server/process/group.h"
#include "server/process/no_effect.h"
#include "server/process/placement.h"
#include "server/process/settings.h"
#include "server/process/transition.h"
#include "server/process/upkeep.h"

static struct cohort_module *const ours[] = {
    &coh_settings_module,  &coh_upkeep_module,    &coh_transition_module,
    &coh_placement_module, &coh_no_effect_module, &coh_admin_module,
    &coh_group_module,
};

#define OURS_COUNT (sizeof(ours) / sizeof(ours[0]))

struct cohort_module *const *
coh_modules_list(struct coh_arena *arena, const struct cohort_service *service)
{
    struct cohort_module **list;
    size_t count = 0;

    while (service->modules && service->modules[count]) {
        count++;
    }
    list = coh_arena_alloc(arena, (OURS_COUNT + count + 1) * sizeof(*list));
    for (size_t i = 0; i < OURS_COUNT; i++) {
        list[i] = ours[i];
    }
    for (size_t i = 0; i < count; i++) {
        list[OURS_COUNT + i] = service->modules[i];
    }
    return list;
}
