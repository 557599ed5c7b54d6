/* The new primary: what it inherits, and how it tells that it serves. */
#include <errno.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "server/primary/generation.h"
#include "server/primary/helper_tell.h"
#include "server/primary/scale.h"
#include "server/primary/upgrade/handover.h"
#include "server/primary/upgrade/lending.h"
#include "server/primary/upgrade/names.h"
#include "server/primary/upgrade/twin.h"
#include "server/primary/upgrade/upgrade.h"

/* Process 1 had started the other one, when it was the old primary. */
static void
watch_child(struct coh_upgrade *upgrade)
{
    int pidfd = getpid() == 1 ? pidfd_open(upgrade->other, 0) : -1;

    if (pidfd >= 0) {
        coh_child_watch(
            &upgrade->child, &upgrade->primary->loop, upgrade->other, pidfd);
    }
}

int
coh_upgrade_follow(struct coh_upgrade *upgrade, struct coh_handover *handover)
{
    int result = coh_lending_inherit(upgrade, handover);

    upgrade->is_new = true;
    upgrade->has_names = false;
    upgrade->state = COH_UPGRADE_FOLLOWING;
    upgrade->other = handover->from;
    if (result == 0) {
        result = coh_twin_init(upgrade, handover->channel);
        handover->channel = -1;
    }
    if (result == 0) {
        watch_child(upgrade);
        coh_handover_restore_stderr(handover);
    }
    return result;
}

void
coh_upgrade_say(
    struct coh_upgrade *upgrade, bool is_configuration, const char *text)
{
    if (upgrade->state == COH_UPGRADE_FOLLOWING) {
        coh_twin_say(upgrade, is_configuration, text);
    }
}

void
coh_upgrade_lose_old(struct coh_upgrade *upgrade)
{
    cohort_warn(
        &upgrade->primary->log,
        "the old primary (process %d) has died before this one serves",
        (int)upgrade->other);
    coh_lending_own(upgrade);
    upgrade->state = COH_UPGRADE_ALONE;
    upgrade->has_names = true;
}

void
coh_upgrade_take_names(struct coh_upgrade *upgrade)
{
    coh_names_take(upgrade->primary, upgrade->other);
    upgrade->has_names = true;
    coh_helper_tell_settings(upgrade->primary->helper);
}

void
coh_upgrade_serves(struct coh_upgrade *upgrade)
{
    uint32_t count = (uint32_t)upgrade->lent_count;
    uint8_t *are_used;

    if (!upgrade->is_new) {
        return;
    }
    are_used = calloc(count + 1, 1);
    if (!are_used) {
        coh_primary_stop(upgrade->primary);
        return;
    }
    if (upgrade->state == COH_UPGRADE_FOLLOWING) {
        upgrade->state = COH_UPGRADE_BOTH;
        coh_lending_settle(upgrade, are_used);
        coh_twin_say_ready(upgrade, are_used, count);
        coh_upgrade_start_telling(upgrade);
    } else {
        coh_lending_settle(upgrade, are_used);
        coh_upgrade_take_names(upgrade);
        coh_scale_settle(upgrade->primary->current);
    }
    free(are_used);
}
