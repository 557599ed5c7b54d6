/* nginx's signals, and the door that each one opens. */
#include "server/primary/signals.h"

#include <signal.h>

#include "server/primary/generation.h"
#include "server/primary/primary.h"

static void
scale_by(struct coh_primary *primary, int step)
{
    const struct coh_generation *current = primary->current;

    if (current && (step > 0 || current->target > 1)) {
        coh_primary_scale(primary, current->target + (unsigned)step);
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
    } else {
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
        coh_primary_quit(primary);
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
