/* nginx's signals, and the door that each one opens. */
#include "server/primary/signals.h"

#include <errno.h>
#include <signal.h>

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"
#include "server/primary/target.h"

/* Whose workers are meant: main's, else the only group's. NULL: it cannot be
   known. */
static const char *
find_scaled(const struct coh_generation *current)
{
    if (current->settings.worker_processes > 0) {
        return COH_GROUP_MAIN;
    }
    return current->group_count == 1 ? current->groups[0]->name : NULL;
}

static void
scale_by(struct coh_primary *primary, int step)
{
    const char *name = primary->current ? find_scaled(primary->current) : NULL;
    struct coh_target_size size;
    const char *why;
    unsigned wanted;

    if (primary->current && !name) {
        cohort_notice(
            &primary->log,
            "a signal cannot say which of the worker groups to scale: use "
            "cohort ctl scale NAME N");
    }
    if (!name || coh_target_size(primary, name, &size) < 0) {
        return;
    }
    wanted = size.target + (unsigned)step;
    why = coh_target_objection(primary, name);
    if (why) {
        cohort_notice(&primary->log, "not scaling %s: %s", name, why);
    } else if (wanted == 0 || wanted > size.max) {
        cohort_notice(
            &primary->log, "not scaling %s: it has %u workers of 1 to %u", name,
            size.target, size.max);
    } else if (coh_target_scale(primary, name, wanted) == -EAGAIN) {
        cohort_notice(
            &primary->log,
            "not scaling %s: an upgrade is under way, or the server leaves",
            name);
    }
}

static void
quit(struct coh_primary *primary)
{
    if (!coh_upgrade_end_both(&primary->upgrade)) {
        coh_primary_quit(primary);
    }
}

/* The first one drains, if that was asked for. */
static void
terminate(struct coh_primary *primary)
{
    const struct coh_generation *current = primary->current;

    if (primary->state == COH_PRIMARY_SERVING && current &&
        current->settings.transition.is_term_graceful) {
        coh_primary_quit(primary);
    } else if (
        !primary->departure.is_graceful ||
        !coh_upgrade_end_both(&primary->upgrade)) {
        coh_primary_stop(primary);
    }
}

/* As in nginx both serve until one of them is told to leave. */
static void
upgrade(struct coh_primary *primary)
{
    const char *why;

    if (coh_primary_upgrade(primary, false, &why) < 0) {
        cohort_error(&primary->log, "no upgrade now: %s", why);
    }
}

static void
on_signal(void *user, int number, bool is_by_process)
{
    struct coh_primary *primary = user;

    switch (number) {
    case SIGTERM:
        terminate(primary);
        break;
    case SIGINT:
        coh_primary_stop(primary);
        break;
    case SIGQUIT:
        quit(primary);
        break;
    case SIGHUP:
        coh_primary_reload(primary, false);
        break;
    case SIGUSR1:
        coh_primary_reopen(primary);
        break;
    case SIGWINCH:
        if (is_by_process) { /* a terminal that is resized sends it, too */
            coh_primary_drain_workers(primary);
        }
        break;
    case SIGUSR2:
        upgrade(primary);
        break;
    case SIGTTIN:
        scale_by(primary, 1);
        break;
    case SIGTTOU:
        scale_by(primary, -1);
        break;
    default:
        break;
    }
}

int
coh_primary_signals_init(struct coh_primary *primary)
{
    static const int numbers[] = {SIGTERM, SIGINT,   SIGQUIT, SIGHUP,  SIGUSR1,
                                  SIGUSR2, SIGWINCH, SIGTTIN, SIGTTOU, 0};

    return coh_signals_init(
        &primary->signals, &primary->loop, numbers, on_signal, primary);
}
