/* Process 1 executes the new binary. */
#include "server/primary/upgrade/returning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/primary.h"
#include "server/primary/systemd_birth.h"
#include "server/primary/upgrade/handover.h"
#include "server/primary/upgrade/twin.h"
#include "server/process/spawn.h"

/* TERM ends a container: then nobody goes on. */
bool
coh_returning_is_due(const struct coh_upgrade *upgrade)
{
    return getpid() == 1 && !upgrade->is_new && !upgrade->is_last &&
        !upgrade->is_end && upgrade->state == COH_UPGRADE_LEAVING &&
        upgrade->channel.fd >= 0 &&
        upgrade->primary->state == COH_PRIMARY_QUITTING;
}

void
coh_returning_prepare(
    struct coh_returning *returning, struct coh_upgrade *upgrade)
{
    *returning = (struct coh_returning){.channel = -1};
    if (!coh_returning_is_due(upgrade)) {
        return;
    }
    coh_twin_say_return(upgrade);
    coh_channel_flush(&upgrade->channel);
    returning->channel = fcntl(upgrade->channel.fd, F_DUPFD_CLOEXEC, 3);
    returning->other = upgrade->other;
    returning->binary = upgrade->binary;
    upgrade->binary = (struct coh_binary){.path = NULL};
}

static void
execute(struct coh_returning *returning, const char *path)
{
    int own_stderr = dup(STDERR_FILENO);
    const int keep[] = {returning->channel, own_stderr};
    char text[64];

    snprintf(
        text, sizeof(text), "%d:%d:%d", returning->channel, own_stderr,
        (int)returning->other);
    setenv(COH_HANDOVER_ENVIRONMENT, text, 1);
    errno = -coh_spawn_path(path, returning->binary.words, keep, 2);
    fprintf(
        stderr, "cohort: [alert] cannot execute %s: %s\n", path,
        strerror(errno));
}

void
coh_returning_go(
    struct coh_returning *returning, const struct coh_systemd_birth *systemd)
{
    char proven[64];

    if (returning->channel >= 0) {
        coh_systemd_birth_restore(systemd);
        execute(returning, returning->binary.path);
        snprintf(proven, sizeof(proven), "/proc/%d/exe", (int)returning->other);
        execute(returning, proven);
    }
    coh_binary_fini(&returning->binary);
}
