/* What the primary tells, how it begins, and what it does when asked. */
#include "server/primary/primary.h"

#include <errno.h>

#include "server/primary/daemon.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/helper.h"
#include "server/primary/reload.h"
#include "server/primary/reopening.h"
#include "server/primary/retire.h"
#include "server/primary/scale.h"
#include "server/process/telling.h"
#include "server/process/terminal.h"

/* --- telling -------------------------------------------------------------- */

void
coh_primary_tell(
    struct coh_primary *primary, enum cohort_log_level level, const char *text)
{
    if (primary->state == COH_PRIMARY_STARTING) {
        coh_telling_both(&primary->log, level, text);
    } else {
        coh_telling_log(&primary->log, level, text);
    }
}

/* --- how it begins and ends ----------------------------------------------- */

void
coh_primary_give_verdict(struct coh_primary *primary, int status)
{
    primary->status = status;
    if (primary->starter >= 0) {
        coh_daemon_tell_starter(primary->starter, status);
        primary->starter = -1;
    }
}

void
coh_primary_started(struct coh_primary *primary)
{
    const struct coh_program *program = primary->program;

    primary->state = COH_PRIMARY_SERVING;
    if (program->greet) {
        program->greet(
            program, primary->current->target, primary->current->group_count);
    }
    if (program->is_daemon) {
        coh_terminal_leave(&primary->log);
    }
    coh_inherited_close_unused(&primary->listeners.inherited, &primary->log);
    coh_primary_give_verdict(primary, 0);
    coh_upgrade_serves(&primary->upgrade);
}

void
coh_primary_end_if_alone(struct coh_primary *primary)
{
    if (primary->state >= COH_PRIMARY_QUITTING &&
        TAILQ_EMPTY(&primary->generations) && TAILQ_EMPTY(&primary->groups) &&
        !coh_upgrade_is_needed(&primary->upgrade)) {
        coh_pending_end(primary);
        if (coh_helper_end(primary->helper)) {
            coh_loop_stop(&primary->loop);
        }
    }
}

void
coh_primary_start_failed(struct coh_primary *primary)
{
    primary->state = COH_PRIMARY_STOPPING;
    coh_primary_give_verdict(primary, 1);
    coh_primary_end_if_alone(primary);
}

/* --- the doors ------------------------------------------------------------ */

/* As nginx has it: an old primary whose workers were drained for the sake of
   the new one's takes the upgrade back by a HUP. */
static void
refuse_reload(struct coh_primary *primary)
{
    if (primary->is_paused && primary->current) {
        cohort_notice(&primary->log, "starting workers again");
        primary->is_paused = false;
        coh_retire_workers_undo(primary->current);
        coh_groups_undrain(primary);
    } else {
        cohort_notice(
            &primary->log,
            "not loading the configuration: an upgrade is under way, first "
            "let one of the two primaries leave");
    }
}

void
coh_primary_reload(struct coh_primary *primary, bool is_forced)
{
    if (coh_upgrade_is_under_way(&primary->upgrade)) {
        refuse_reload(primary);
    } else if (primary->state <= COH_PRIMARY_SERVING) {
        coh_reload_begin(primary, is_forced);
    }
}

int
coh_primary_scale(struct coh_primary *primary, unsigned count)
{
    struct coh_generation *current = primary->current;

    if (primary->state != COH_PRIMARY_SERVING || !current ||
        coh_upgrade_is_under_way(&primary->upgrade)) {
        return -EAGAIN;
    }
    if (current->settings.worker_processes == 0) {
        return -ENOTSUP; /* no address: they would have nothing to do */
    }
    if (count == 0) {
        count = 1;
    }
    if (count > coh_scale_max(current)) {
        count = coh_scale_max(current);
    }
    cohort_notice(
        &primary->log, "scaling from %u to %u worker%s", current->target, count,
        count == 1 ? "" : "s");
    current->target = count;
    coh_scale_occupy(current);
    coh_scale_settle(current);
    return 0;
}

unsigned
coh_primary_reopen(struct coh_primary *primary)
{
    unsigned failed;

    cohort_notice(&primary->log, "opening the logs anew");
    failed = coh_reopening_all(primary);
    coh_helper_reopen(primary->helper);
    return failed;
}

int
coh_primary_upgrade(
    struct coh_primary *primary, bool will_replace, const char **why)
{
    if (primary->state != COH_PRIMARY_SERVING || !primary->current) {
        *why = "the server does not serve (any more)";
        return -EAGAIN;
    }
    return coh_upgrade_begin(&primary->upgrade, will_replace, why);
}
