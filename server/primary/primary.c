/* The primary's life, and what it does when asked. */
#include "server/primary/primary.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/primary/daemon.h"
#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/groups.h"
#include "server/primary/handover.h"
#include "server/primary/helper.h"
#include "server/primary/opening.h"
#include "server/primary/reload.h"
#include "server/primary/retire.h"
#include "server/primary/returning.h"
#include "server/primary/scale.h"
#include "server/primary/signals.h"
#include "server/process/load.h"
#include "server/process/spawn.h"
#include "server/process/terminal.h"
#include "server/process/title.h"

#define STOP_LIMIT_MS 800 /* then workers are killed */

/* --- telling ---------------------------------------------------------------- */

static void
log_lines(struct cohort_log *log, enum cohort_log_level level, const char *text)
{
    while (*text) {
        int size = (int)strcspn(text, "\n");

        cohort_log_at(log, level, "%.*s", size, text);
        text += size + (text[size] == '\n');
    }
}

void
coh_primary_tell(
    struct coh_primary *primary, enum cohort_log_level level, const char *text)
{
    bool is_starting = primary->state == COH_PRIMARY_STARTING;

    if (is_starting) {
        coh_load_tell_stderr(NULL, level <= COHORT_LOG_ERROR, text);
    }
    if (!is_starting || primary->log.target_count > 0) {
        log_lines(&primary->log, level, text);
    }
}

/* --- how it begins and ends ---------------------------------------------------- */

static void
give_verdict(struct coh_primary *primary, int status)
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
        program->greet(program, primary->current->target);
    }
    if (program->is_daemon) {
        coh_terminal_leave(&primary->log);
    }
    coh_inherited_close_unused(&primary->listeners.inherited, &primary->log);
    give_verdict(primary, 0);
    coh_upgrade_serves(&primary->upgrade);
}

static void
end_if_alone(struct coh_primary *primary)
{
    if (primary->state >= COH_PRIMARY_QUITTING &&
        TAILQ_EMPTY(&primary->generations) && TAILQ_EMPTY(&primary->groups) &&
        !coh_upgrade_is_needed(&primary->upgrade) &&
        coh_helper_end(primary->helper)) {
        coh_loop_stop(&primary->loop);
    }
}

void
coh_primary_start_failed(struct coh_primary *primary)
{
    primary->state = COH_PRIMARY_STOPPING;
    give_verdict(primary, 1);
    end_if_alone(primary);
}

void
coh_primary_generation_gone(struct coh_primary *primary)
{
    end_if_alone(primary);
}

/* --- the doors ------------------------------------------------------------------- */

/* As nginx has it: an old primary whose workers were drained for the sake of the
   new one's takes the upgrade back by a HUP. */
static void
refuse_reload(struct coh_primary *primary)
{
    if (primary->is_paused && primary->current) {
        cohort_notice(&primary->log, "starting workers again");
        primary->is_paused = false;
        coh_retire_workers_undo(primary->current);
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
        &primary->log, "scaling from %u to %u workers", current->target, count);
    current->target = count;
    coh_scale_occupy(current);
    coh_scale_settle(current);
    return 0;
}

void
coh_primary_reopen(struct coh_primary *primary)
{
    cohort_notice(&primary->log, "opening the logs anew");
    coh_opening_reopen(primary);
    coh_helper_reopen(primary->helper);
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

/* It ends, gently or at once. */
static void
tell_leaving(struct coh_primary *primary, const char *text)
{
    const struct coh_event event = {.kind = COH_EVENT_LEAVING, .text = text};

    coh_event_tell(&primary->readers, &event);
}

void
coh_primary_quit(struct coh_primary *primary)
{
    struct coh_generation *current = primary->current;

    if (primary->state >= COH_PRIMARY_QUITTING) {
        return;
    }
    tell_leaving(primary, "quitting: finishing all requests");
    primary->state = COH_PRIMARY_QUITTING;
    coh_upgrade_leave(&primary->upgrade);
    coh_departure_end(primary);
    coh_reload_cancel(primary);
    coh_groups_quit(primary);
    primary->current = NULL;
    if (current) {
        coh_retire(current, NULL);
    }
    end_if_alone(primary);
}

static void
end_all(struct coh_primary *primary, int number)
{
    struct coh_generation *generation;
    struct coh_generation *after;

    coh_groups_end(primary, number);
    for (generation = TAILQ_FIRST(&primary->generations); generation;
         generation = after) {
        after = TAILQ_NEXT(generation, link);
        coh_retire_at_once(generation, number);
    }
}

static void
on_stop_deadline(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    end_all(user, SIGKILL);
}

void
coh_primary_stop(struct coh_primary *primary)
{
    const struct timeval limit = {.tv_usec = STOP_LIMIT_MS * 1000};

    if (primary->state == COH_PRIMARY_STOPPING) {
        return;
    }
    if (coh_upgrade_take_back(&primary->upgrade)) {
        coh_primary_quit(primary);
        return;
    }
    tell_leaving(primary, "stopping");
    if (primary->state == COH_PRIMARY_STARTING) {
        give_verdict(primary, 1);
    }
    primary->state = COH_PRIMARY_STOPPING;
    coh_upgrade_leave(&primary->upgrade);
    coh_departure_end(primary);
    coh_reload_cancel(primary);
    primary->current = NULL;
    event_add(&primary->stop_deadline, &limit);
    end_all(primary, SIGTERM);
    end_if_alone(primary);
}

void
coh_primary_drain_workers(struct coh_primary *primary)
{
    if (primary->state != COH_PRIMARY_SERVING || !primary->current) {
        return;
    }
    cohort_notice(&primary->log, "draining all workers");
    primary->is_paused = true;
    coh_retire_workers(primary->current);
    coh_groups_drain(primary);
}

/* --- the whole -------------------------------------------------------------------- */

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
    primary->log_reader = (struct coh_event_reader){
        .on_event = coh_event_log, .user = &primary->log};
    STAILQ_INSERT_TAIL(&primary->readers, &primary->log_reader, link);
    open_start_log(primary);
    coh_listeners_init(&primary->listeners, &primary->log);
    result = coh_loop_init(&primary->loop, NULL);
    if (result < 0) {
        return result;
    }
    coh_watchdog_init(&primary->watchdog, &primary->loop);
    primary->helper = coh_helper_new(primary);
    if (!primary->helper) {
        return -ENOMEM;
    }
    coh_systemd_birth_adopt(
        &program->systemd, &primary->listeners.inherited, &primary->log);
    coh_systemd_init(&primary->systemd, &program->systemd, primary);
    coh_reload_init(primary);
    coh_canary_init(primary);
    coh_departure_init(primary);
    event_assign(
        &primary->stop_deadline, primary->loop.base, -1, 0, on_stop_deadline,
        primary);
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
        event_del(&primary->stop_deadline);
        coh_watchdog_fini(&primary->watchdog);
        coh_signals_fini(&primary->signals);
        coh_upgrade_fini(&primary->upgrade);
        coh_loop_fini(&primary->loop);
    }
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
    coh_spawn_stay_behind();
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
