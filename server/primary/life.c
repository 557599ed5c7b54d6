/* The primary from its first step to its last. */
#include "server/primary/primary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/primary/caller.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/helper.h"
#include "server/primary/reload.h"
#include "server/primary/signals.h"
#include "server/primary/upgrade/handover.h"
#include "server/primary/upgrade/returning.h"
#include "server/process/title.h"

/* Descriptors for all workers' channels and all sockets, as many as we may
   have. */
static void
raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* -e: the log before there is a configuration. */
static void
open_start_log(struct coh_primary *primary)
{
    const char *path = primary->program->options->error_log;

    coh_log_init(&primary->log, coh_log_stderr());
    if (!path || strcmp(path, "stderr") == 0) {
        return;
    }
    primary->log_targets[0].fd = coh_log_open(path);
    if (primary->log_targets[0].fd < 0) {
        fprintf(
            stderr, "cohort: [alert] cannot open the error log %s: %s\n", path,
            strerror(-primary->log_targets[0].fd));
        return;
    }
    coh_log_add_target(
        &primary->log, &primary->log_targets[0], COHORT_LOG_NOTICE);
}

void
coh_primary_close_log(struct coh_primary *primary)
{
    for (size_t i = 0; i < primary->log.target_count; i++) {
        if (primary->log_targets[i].fd > STDERR_FILENO) {
            close(primary->log_targets[i].fd);
        }
    }
    coh_log_init(&primary->log, coh_log_stderr());
}

static int
init_numbers(struct coh_primary *primary)
{
    struct coh_handover *handover = primary->program->handover;
    int result = handover
        ? coh_numbers_adopt(&primary->numbers, handover->numbers)
        : coh_numbers_init(&primary->numbers);

    if (handover) {
        handover->numbers = -1;
    }
    return result;
}

static int
init(struct coh_primary *primary, struct coh_program *program)
{
    int result;

    primary->program = program;
    primary->starter = program->starter;
    primary->signals.fd = -1;
    primary->slots.fd = -1;
    primary->numbers.fd = -1;
    primary->pidfile.fd = -1;
    primary->systemd.fd = -1;
    TAILQ_INIT(&primary->generations);
    TAILQ_INIT(&primary->workers);
    TAILQ_INIT(&primary->groups);
    STAILQ_INIT(&primary->readers);
    coh_tally_init(primary);
    primary->log_reader = (struct coh_event_reader){
        .on_event = coh_event_log, .user = &primary->log};
    STAILQ_INSERT_TAIL(&primary->readers, &primary->log_reader, link);
    if (program->reader) {
        STAILQ_INSERT_TAIL(&primary->readers, program->reader, link);
    }
    open_start_log(primary);
    coh_listeners_init(&primary->listeners, &primary->log);
    coh_loop_log(&primary->log);
    result = coh_loop_init(&primary->loop, NULL);
    if (result < 0) {
        return result;
    }
    if (program->caller) {
        coh_caller_begin(program->caller, primary);
    }
    coh_watchdog_init(&primary->watchdog, &primary->loop);
    primary->helper = coh_helper_new(primary);
    if (!primary->helper) {
        return -ENOMEM;
    }
    coh_pending_init(primary);
    coh_systemd_birth_adopt(
        &program->systemd, &primary->listeners.inherited, &primary->log);
    coh_systemd_init(&primary->systemd, &program->systemd, primary);
    coh_reload_init(primary);
    coh_canary_init(primary);
    coh_departure_init(primary);
    result = init_numbers(primary);
    if (result == 0) {
        result =
            coh_upgrade_init(&primary->upgrade, primary, program->handover);
    }
    return result < 0 ? result : coh_primary_signals_init(primary);
}

static void
fini(struct coh_primary *primary)
{
    coh_caller_end(primary->program->caller);
    coh_listeners_fini(&primary->listeners, true);
    coh_pidfile_remove(&primary->pidfile);
    coh_slots_fini(&primary->slots);
    coh_totals_fini(&primary->totals);
    coh_secrets_fini(&primary->secrets);
    coh_numbers_fini(&primary->numbers);
    coh_helper_free(primary->helper);
    if (primary->loop.base) {
        coh_systemd_fini(&primary->systemd);
        coh_departure_fini(primary);
        coh_canary_fini(primary);
        coh_reload_fini(primary);
        coh_watchdog_fini(&primary->watchdog);
        coh_signals_fini(&primary->signals);
        coh_upgrade_fini(&primary->upgrade);
        coh_loop_fini(&primary->loop);
    }
    coh_loop_log(NULL);
    coh_primary_close_log(primary);
}

int
coh_primary_run(struct coh_program *program)
{
    struct coh_primary primary = {.state = COH_PRIMARY_STARTING};
    struct coh_returning returning;
    int result = init(&primary, program);

    coh_title_set("cohort: primary");
    raise_limit();
    if (result == 0) {
        coh_reload_begin(&primary, false);
        result = coh_loop_run(&primary.loop);
    }
    if (result < 0) {
        fprintf(
            stderr, "cohort: [emerg] the primary cannot run: %s\n",
            strerror(-result));
        primary.status = 1;
    }
    coh_upgrade_end(&primary.upgrade);
    coh_returning_prepare(&returning, &primary.upgrade);
    fini(&primary);
    coh_returning_go(&returning, &program->systemd);
    return primary.status;
}

void
coh_primary_forget(struct coh_primary *primary)
{
    struct coh_generation *generation;
    struct coh_worker *worker;
    struct coh_group *group;
    struct coh_listener *listener;

    coh_loop_abandon(&primary->loop); /* it wants to see all open once more */
    TAILQ_FOREACH (worker, &primary->workers, link) {
        coh_worker_forget(worker);
    }
    TAILQ_FOREACH (generation, &primary->generations, link) {
        coh_generation_forget(generation);
    }
    TAILQ_FOREACH (group, &primary->groups, link) {
        coh_group_forget(group);
    }
    TAILQ_FOREACH (listener, &primary->listeners.list, link) {
        for (unsigned i = 0; i < listener->socket_count; i++) {
            close(listener->sockets[i]);
        }
    }
    coh_inherited_fini(&primary->listeners.inherited);
    coh_systemd_forget(&primary->systemd);
    coh_secrets_forget(&primary->secrets);
    coh_helper_forget(primary->helper);
    coh_upgrade_forget(&primary->upgrade);
    if (primary->numbers.fd >= 0) {
        close(primary->numbers.fd);
    }
    if (primary->slots.fd >= 0) {
        close(primary->slots.fd);
    }
    if (primary->pidfile.fd >= 0) {
        close(primary->pidfile.fd);
    }
    close(primary->signals.fd);
}
