/* Looks at a template that owes something; ends it when that is too long. */
#include "server/primary/template_watch.h"

#include <inttypes.h>
#include <signal.h>

#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/template.h"
#include "server/primary/vitals.h"

#define LOOK_MS 1000

/* A look that is later than a period and this long is too late to judge by: the
   template may have been paused with us. */
#define LATE_MS 200

static bool
is_leaving(const struct coh_template *template)
{
    return template->channel.fd < 0;
}

static uint64_t
limit_ms(const struct coh_template *template, bool is_stopped)
{
    const struct coh_frame_settings *settings = &template->generation->settings;
    uint64_t watchdog_ms = settings->upkeep.watchdog_ms; /* 0: off */
    uint64_t timeout_ms = settings->reload_timeout_ms;

    if (is_stopped && is_leaving(template)) {
        return LOOK_MS;
    }
    if (is_stopped && watchdog_ms > 0 && watchdog_ms < timeout_ms) {
        return watchdog_ms;
    }
    return watchdog_ms > timeout_ms ? watchdog_ms : timeout_ms;
}

static const char *
what_it_owes(const struct coh_template *template)
{
    if (is_leaving(template)) {
        return "has not left";
    }
    return template->asked ? "has not forked a worker that it was asked for"
                           : "has not loaded its configuration again";
}

/* Of a process in this state. */
static const char *
why_it_does_not(char state)
{
    switch (state) {
    case 'T':
        return "it is stopped (by SIGSTOP or a terminal)";
    case 't':
        return "a debugger has stopped it, so it is left";
    case 'D':
        return "it waits for a disk";
    default:
        return "it hangs";
    }
}

static void
tell(const struct coh_template *template, uint64_t owes_ms, char state)
{
    cohort_alert(
        &template->generation->primary->log,
        "the template of generation %" PRIu64 " (process %d) %s for %" PRIu64
        " ms: %s%s",
        template->generation->number, (int)template->child.pid,
        what_it_owes(template), owes_ms, why_it_does_not(state),
        state == 't' ? "" : "; ending it");
}

static void
look_later(struct coh_template *template, uint64_t now_ms)
{
    template->watch.last_ms = now_ms;
    coh_event_add_ms(&template->watch.look, LOOK_MS);
}

/* True: it is time to end it. */
static bool
owes_too_long(struct coh_template *template, uint64_t now_ms)
{
    struct coh_template_watch *watch = &template->watch;
    struct coh_vitals vitals = {.state = '?'};
    bool was_stopped = watch->is_stopped || is_leaving(template);
    uint64_t owes_ms = now_ms - watch->since_ms;

    coh_vitals_read(template->child.pid, &vitals);
    watch->is_stopped = vitals.state == 'T';
    if (owes_ms < limit_ms(template, watch->is_stopped && was_stopped)) {
        return false;
    }
    if (vitals.state != 't' || !watch->is_traced_told) {
        tell(template, owes_ms, vitals.state);
    }
    watch->is_traced_told = vitals.state == 't';
    return vitals.state != 't';
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_template *template = user;
    struct coh_template_watch *watch = &template->watch;
    uint64_t now_ms = coh_monotonic_ms();

    (void)fd;
    (void)what;
    if (now_ms > watch->last_ms + 2 * LOOK_MS + LATE_MS) {
        watch->since_ms = now_ms;
    }
    if (owes_too_long(template, now_ms)) {
        template->has_hung = true;
        coh_child_signal(&template->child, SIGKILL);
    } else {
        look_later(template, now_ms);
    }
}

void
coh_template_watch_init(struct coh_template *template)
{
    event_assign(
        &template->watch.look, template->generation->primary->loop.base, -1, 0,
        on_look, template);
}

void
coh_template_watch_begin(struct coh_template *template)
{
    uint64_t now_ms = coh_monotonic_ms();

    template->watch.since_ms = now_ms;
    template->watch.is_stopped = false;
    look_later(template, now_ms);
}

void
coh_template_watch_end(struct coh_template *template)
{
    event_del(&template->watch.look);
}
