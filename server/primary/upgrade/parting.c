/* One of two primaries leaves, and the other one goes on alone. */
#include <signal.h>

#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/helper_tell.h"
#include "server/primary/retire.h"
#include "server/primary/scale.h"
#include "server/primary/upgrade/lending.h"
#include "server/primary/upgrade/names.h"
#include "server/primary/upgrade/returning.h"
#include "server/primary/upgrade/twin.h"
#include "server/primary/upgrade/upgrade.h"

#define TAKEN_BACK_LIMIT_S 5 /* then TERM is TERM */
#define GO_LIMIT_S 2         /* for one that says nothing */

void
coh_upgrade_tell(
    struct coh_upgrade *upgrade, enum coh_event_kind kind, const char *text)
{
    const struct coh_generation *current = upgrade->primary->current;
    struct coh_event event = {
        .kind = kind,
        .generation = current ? current->number : 0,
        .pid = upgrade->other,
        .text = text,
        .report = kind == COH_EVENT_UPGRADE_FAILED ? upgrade->report : NULL,
    };

    coh_event_tell(&upgrade->primary->readers, &event);
}

void
coh_upgrade_start_telling(struct coh_upgrade *upgrade)
{
    static const struct timeval second = {.tv_sec = 1};

    event_add(&upgrade->tick, &second);
}

void
coh_upgrade_shows(struct coh_upgrade *upgrade)
{
    if (!upgrade->has_names &&
        (upgrade->state == COH_UPGRADE_BOTH ||
         upgrade->state == COH_UPGRADE_LEAVING)) {
        coh_twin_tell_counters(upgrade);
    }
}

bool
coh_upgrade_is_under_way(const struct coh_upgrade *upgrade)
{
    return upgrade->state == COH_UPGRADE_TRYING ||
        upgrade->state == COH_UPGRADE_FOLLOWING ||
        upgrade->state == COH_UPGRADE_BOTH;
}

/* --- we go on ------------------------------------------------------------- */

/* Workers that were told to leave for the sake of the other one come again;
   sockets that only it used are emptied. */
static void
go_on(struct coh_upgrade *upgrade)
{
    struct coh_primary *primary = upgrade->primary;

    if (!primary->current) {
        return;
    }
    if (primary->is_paused) {
        primary->is_paused = false;
        coh_retire_workers_undo(primary->current);
        coh_groups_undrain(primary);
    } else {
        coh_scale_settle(primary->current);
    }
}

static void
have_names(struct coh_upgrade *upgrade)
{
    if (upgrade->is_new) {
        coh_upgrade_take_names(upgrade);
    } else {
        coh_names_restore(upgrade->primary);
        upgrade->has_names = true;
        coh_helper_tell_settings(upgrade->primary->helper);
    }
}

/* Nobody is left: files that both know are removed by the new one. */
static void
leave_both(struct coh_upgrade *upgrade)
{
    if (upgrade->is_new) {
        upgrade->is_last = true;
        coh_lending_own(upgrade);
    }
    coh_upgrade_may_go(upgrade);
}

void
coh_upgrade_other_leaves(struct coh_upgrade *upgrade)
{
    if (upgrade->state == COH_UPGRADE_LEAVING) {
        leave_both(upgrade);
        return;
    }
    if (upgrade->state != COH_UPGRADE_BOTH) {
        return;
    }
    upgrade->state = COH_UPGRADE_LEFT;
    event_del(&upgrade->tick);
    coh_lending_end(upgrade);
    have_names(upgrade);
    coh_twin_say_taken(upgrade);
    coh_upgrade_tell(
        upgrade,
        upgrade->is_new ? COH_EVENT_UPGRADE_DONE : COH_EVENT_UPGRADE_UNDONE,
        NULL);
    go_on(upgrade);
}

void
coh_upgrade_be_alone(struct coh_upgrade *upgrade)
{
    bool was_trying = upgrade->state == COH_UPGRADE_TRYING;

    event_del(&upgrade->deadline);
    event_del(&upgrade->tick);
    coh_channel_fini(&upgrade->channel);
    coh_totals_inherit(&upgrade->primary->totals);
    upgrade->state = COH_UPGRADE_ALONE;
    if (was_trying) {
        coh_lending_end(upgrade);
        have_names(upgrade);
    }
    coh_lending_unsteer(upgrade);
    coh_names_drop(upgrade->primary); /* of one that was killed */
    upgrade->is_new = false;
    upgrade->other = 0;
    if (was_trying) {
        go_on(upgrade);
    }
}

/* --- we leave ------------------------------------------------------------- */

bool
coh_upgrade_take_back(struct coh_upgrade *upgrade)
{
    static const struct timeval limit = {.tv_sec = TAKEN_BACK_LIMIT_S};

    if (!upgrade->is_new || upgrade->state != COH_UPGRADE_BOTH) {
        return false;
    }
    event_add(&upgrade->deadline, &limit);
    return true;
}

bool
coh_upgrade_end_both(struct coh_upgrade *upgrade)
{
    if (upgrade->is_end || !coh_returning_is_due(upgrade)) {
        return false;
    }
    upgrade->is_end = true;
    cohort_notice(
        &upgrade->primary->log,
        "the new primary (process %d) is told to quit, too",
        (int)upgrade->other);
    coh_child_signal(&upgrade->child, SIGQUIT);
    return true;
}

void
coh_upgrade_leave(struct coh_upgrade *upgrade)
{
    static const struct timeval limit = {.tv_sec = GO_LIMIT_S};

    event_del(&upgrade->retry);
    upgrade->is_wanted = false;
    if (upgrade->state == COH_UPGRADE_TRYING) {
        coh_child_signal(&upgrade->child, SIGKILL);
        coh_upgrade_be_alone(upgrade);
        coh_upgrade_tell(
            upgrade, COH_EVENT_UPGRADE_FAILED, "the server leaves");
    } else if (upgrade->state == COH_UPGRADE_BOTH) {
        upgrade->state = COH_UPGRADE_LEAVING;
        upgrade->has_names = false;
        coh_helper_tell_settings(upgrade->primary->helper);
        coh_twin_tell_counters(upgrade);
        coh_twin_say_leaving(upgrade);
        event_add(&upgrade->retry, &limit);
    }
}

bool
coh_upgrade_is_needed(const struct coh_upgrade *upgrade)
{
    return upgrade->state == COH_UPGRADE_LEAVING &&
        (!upgrade->may_go || (upgrade->is_end && upgrade->channel.fd >= 0));
}

void
coh_upgrade_may_go(struct coh_upgrade *upgrade)
{
    if (upgrade->state == COH_UPGRADE_LEAVING &&
        (!upgrade->may_go || upgrade->is_end)) {
        upgrade->may_go = true;
        event_del(&upgrade->retry);
        coh_primary_end_if_alone(upgrade->primary);
    }
}

void
coh_upgrade_end(struct coh_upgrade *upgrade)
{
    if (upgrade->state != COH_UPGRADE_LEAVING) {
        return;
    }
    coh_twin_tell_counters(upgrade);
    if (!upgrade->is_new) {
        coh_names_drop(upgrade->primary);
    }
    if (!upgrade->is_last) {
        coh_names_leave(upgrade->primary);
    }
}
