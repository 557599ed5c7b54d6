/* Events, and how they read in the log. */
#include "server/primary/events.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include <cohort/log.h>

void
coh_event_tell(struct coh_event_readers *readers, const struct coh_event *event)
{
    struct coh_event_reader *reader;

    STAILQ_FOREACH (reader, readers, link) {
        reader->on_event(reader->user, event);
    }
}

/* Of a worker group, not of the built-in service. */
static bool
is_of_program(const struct coh_event *event)
{
    return event->group && strcmp(event->group, COH_GROUP_MAIN) != 0;
}

static void
log_setup(struct cohort_log *log, const struct coh_event *event)
{
    cohort_info(
        log, "generation %" PRIu64 " is set up: group %s, %s",
        event->generation, event->group, event->text);
}

static void
log_fork(struct cohort_log *log, const struct coh_event *event)
{
    bool is_program = is_of_program(event);

    cohort_notice(
        log,
        "start worker process %d (worker %" PRIu64 ", %s%s%sgeneration %" PRIu64
        ")",
        (int)event->pid, event->worker_id, is_program ? "group " : "",
        is_program ? event->group : "", is_program ? ", " : "",
        event->generation);
}

static void
log_online(struct cohort_log *log, const struct coh_event *event)
{
    cohort_debug(log, "worker %" PRIu64 " is online", event->worker_id);
}

static void
log_ready(struct cohort_log *log, const struct coh_event *event)
{
    cohort_info(log, "worker %" PRIu64 " is ready", event->worker_id);
}

static void
log_listening(struct cohort_log *log, const struct coh_event *event)
{
    cohort_debug(
        log, "worker %" PRIu64 " takes connections on %s", event->worker_id,
        event->text);
}

static void
log_message(struct cohort_log *log, const struct coh_event *event)
{
    cohort_debug(
        log, "worker %" PRIu64 " has sent a message of %zu bytes",
        event->worker_id, event->message.size);
}

static void
log_stuck(struct cohort_log *log, const struct coh_event *event)
{
    cohort_alert(
        log, "worker %" PRIu64 " (process %d) is stuck: %s", event->worker_id,
        (int)event->pid, event->text);
}

static void
log_disconnect(struct cohort_log *log, const struct coh_event *event)
{
    cohort_info(
        log, "worker %" PRIu64 " takes no more connections", event->worker_id);
}

/* TERM is how programs without a channel are asked to leave. */
static bool
was_asked_for(const struct coh_event *event)
{
    return event->reason == COHORT_REASON_KILL ||
        (event->how.number == SIGTERM && is_of_program(event) &&
         event->reason != COHORT_REASON_SELF &&
         event->reason != COHORT_REASON_CRASH &&
         event->reason != COHORT_REASON_STUCK);
}

static void
log_exit(struct cohort_log *log, const struct coh_event *event)
{
    if (event->how.is_signal) {
        cohort_log_at(
            log, was_asked_for(event) ? COHORT_LOG_NOTICE : COHORT_LOG_ALERT,
            "worker process %d exited on signal %d (%s), worker %" PRIu64,
            (int)event->pid, event->how.number, strsignal(event->how.number),
            event->worker_id);
    } else {
        cohort_notice(
            log, "worker process %d exited with code %d, worker %" PRIu64,
            (int)event->pid, event->how.number, event->worker_id);
    }
}

static void
log_error(struct cohort_log *log, const struct coh_event *event)
{
    cohort_error(log, "%s", event->text);
}

static void
log_crash_loop(struct cohort_log *log, const struct coh_event *event)
{
    cohort_error(
        log,
        "worker %" PRIu64 " was one of several that died too soon or too "
        "often: the next one waits for %" PRIu64 " ms",
        event->worker_id, event->delay_ms);
}

static void
log_recycle(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log, "worker %" PRIu64 " (process %d) is replaced: %s",
        event->worker_id, (int)event->pid, event->text);
}

static void
log_accept_paused(struct cohort_log *log, const struct coh_event *event)
{
    if (is_of_program(event)) {
        cohort_warn(
            log,
            "all workers of the group %s are full, new connections wait: raise "
            "its processes",
            event->group);
        return;
    }
    if (event->text) {
        cohort_warn(
            log,
            "no worker of generation %" PRIu64
            " serves, new connections wait: %s",
            event->generation, event->text);
        return;
    }
    cohort_warn(
        log,
        "all workers of generation %" PRIu64
        " are full, new connections wait: raise worker_connections or "
        "worker_processes",
        event->generation);
}

static void
log_accept_resumed(struct cohort_log *log, const struct coh_event *event)
{
    if (is_of_program(event)) {
        cohort_notice(
            log, "new connections wait no longer for the group %s",
            event->group);
        return;
    }
    cohort_notice(
        log, "new connections wait no longer for generation %" PRIu64,
        event->generation);
}

static void
log_drop(struct cohort_log *log, const struct coh_event *event)
{
    cohort_warn(
        log,
        "%" PRIu64 " connection%s that no worker of generation %" PRIu64
        " has taken %s closed",
        event->count, event->count == 1 ? "" : "s", event->generation,
        event->count == 1 ? "was" : "were");
}

static void
log_reload_begin(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(log, "loading generation %" PRIu64, event->generation);
}

static void
log_reload_canary(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log, "generation %" PRIu64 " is on trial: it %s", event->generation,
        event->text);
}

static void
log_reload_done(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log, "%s: generation %" PRIu64 " serves %s",
        event->is_start ? "start" : "reload", event->generation, event->text);
}

static void
log_reload_failed(struct cohort_log *log, const struct coh_event *event)
{
    cohort_error(
        log, "reload: kept generation %" PRIu64 ": %s", event->generation,
        event->text);
}

static void
log_upgrade_begin(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(log, "upgrade: starting %s", event->text);
}

static void
log_upgrade_ready(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(log, "upgrade: %s", event->text);
}

static void
log_upgrade_failed(struct cohort_log *log, const struct coh_event *event)
{
    cohort_error(log, "upgrade: going on with this binary: %s", event->text);
}

static void
log_upgrade_undone(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log,
        "upgrade: taken back, process %d leaves, going on with this binary",
        (int)event->pid);
}

static void
log_upgrade_done(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log, "upgrade: the old primary (process %d) leaves", (int)event->pid);
}

static void
log_template_lost(struct cohort_log *log, const struct coh_event *event)
{
    cohort_alert(
        log,
        "the template of generation %" PRIu64
        " (process %d) ended with %s %d, starting it again",
        event->generation, (int)event->pid,
        event->how.is_signal ? "signal" : "code", event->how.number);
}

static void
log_template_repaired(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log, "the template of generation %" PRIu64 " is there again",
        event->generation);
}

static void
log_template_missing(struct cohort_log *log, const struct coh_event *event)
{
    cohort_alert(
        log,
        "generation %" PRIu64
        " has no template, since %s: workers that die are not replaced; "
        "reload",
        event->generation, event->text);
}

static void
log_leaving(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(log, "%s", event->text);
}

static void
log_template_renewed(struct cohort_log *log, const struct coh_event *event)
{
    cohort_notice(
        log,
        "workers of generation %" PRIu64
        " come from another template after a crash, with other addresses",
        event->generation);
}

static void
log_template_kept(struct cohort_log *log, const struct coh_event *event)
{
    cohort_warn(
        log,
        "generation %" PRIu64
        " keeps its template after a crash, since %s: reload to have workers "
        "with other addresses",
        event->generation, event->text);
}

static const struct {
    const char *name;
    void (*log)(struct cohort_log *log, const struct coh_event *event);
} kinds[COH_EVENT_KIND_COUNT] = {
    [COH_EVENT_SETUP] = {"setup", log_setup},
    [COH_EVENT_FORK] = {"fork", log_fork},
    [COH_EVENT_ONLINE] = {"online", log_online},
    [COH_EVENT_READY] = {"ready", log_ready},
    [COH_EVENT_LISTENING] = {"listening", log_listening},
    [COH_EVENT_MESSAGE] = {"message", log_message},
    [COH_EVENT_STUCK] = {"stuck", log_stuck},
    [COH_EVENT_DISCONNECT] = {"disconnect", log_disconnect},
    [COH_EVENT_EXIT] = {"exit", log_exit},
    [COH_EVENT_ERROR] = {"error", log_error},
    [COH_EVENT_CRASH_LOOP] = {"crash_loop", log_crash_loop},
    [COH_EVENT_RECYCLE] = {"recycle", log_recycle},
    [COH_EVENT_ACCEPT_PAUSED] = {"accept_paused", log_accept_paused},
    [COH_EVENT_ACCEPT_RESUMED] = {"accept_resumed", log_accept_resumed},
    [COH_EVENT_DROP] = {"drop", log_drop},
    [COH_EVENT_RELOAD_BEGIN] = {"reload_begin", log_reload_begin},
    [COH_EVENT_RELOAD_CANARY] = {"reload_canary", log_reload_canary},
    [COH_EVENT_RELOAD_DONE] = {"reload_done", log_reload_done},
    [COH_EVENT_RELOAD_FAILED] = {"reload_failed", log_reload_failed},
    [COH_EVENT_TEMPLATE_LOST] = {"template_lost", log_template_lost},
    [COH_EVENT_TEMPLATE_REPAIRED] =
        {"template_repaired", log_template_repaired},
    [COH_EVENT_TEMPLATE_MISSING] = {"template_missing", log_template_missing},
    [COH_EVENT_TEMPLATE_RENEWED] = {"template_renewed", log_template_renewed},
    [COH_EVENT_TEMPLATE_KEPT] = {"template_kept", log_template_kept},
    [COH_EVENT_LEAVING] = {"leaving", log_leaving},
    [COH_EVENT_UPGRADE_BEGIN] = {"upgrade_begin", log_upgrade_begin},
    [COH_EVENT_UPGRADE_READY] = {"upgrade_ready", log_upgrade_ready},
    [COH_EVENT_UPGRADE_FAILED] = {"upgrade_failed", log_upgrade_failed},
    [COH_EVENT_UPGRADE_UNDONE] = {"upgrade_undone", log_upgrade_undone},
    [COH_EVENT_UPGRADE_DONE] = {"upgrade_done", log_upgrade_done},
};

const char *
coh_event_name(enum coh_event_kind kind)
{
    return kinds[kind].name;
}

void
coh_event_log(void *user, const struct coh_event *event)
{
    kinds[event->kind].log(user, event);
}
