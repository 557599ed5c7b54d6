/* A template that is lost is started again until it is there; after a crash of
   a worker another one takes over. */
#include "server/primary/template_repair.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/opening.h"
#include "server/primary/reload.h"
#include "server/primary/scale.h"

#define RETRY_MS 1000 /* when one cannot even be started */

static void try_later(struct coh_generation *generation, uint64_t delay_ms);

/* --- telling -------------------------------------------------------------- */

static const char *const reasons[] = {
    [COH_TEMPLATE_FINE] = "another one ended before it could be used",
    [COH_TEMPLATE_CHANGED] = "its configuration has changed",
    [COH_TEMPLATE_UNLOADABLE] = "its configuration cannot be loaded any more",
};

static void
tell(
    const struct coh_generation *generation, enum coh_event_kind kind,
    const struct coh_lost_template *lost, const char *text)
{
    struct coh_event event = {
        .kind = kind,
        .generation = generation->number,
        .pid = lost ? lost->pid : 0,
        .how = lost ? lost->how : (struct coh_exit){0},
        .text = text,
    };

    coh_event_tell(&generation->primary->readers, &event);
}

static void
log_loss(
    const struct coh_generation *generation,
    const struct coh_lost_template *lost, uint64_t delay_ms)
{
    cohort_error(
        &generation->primary->log,
        "the template of generation %" PRIu64
        " that was started again (process %d) ended with %s %d before it "
        "could be used; the next one starts in %" PRIu64 " ms",
        generation->number, (int)lost->pid,
        lost->how.is_signal ? "signal" : "code", lost->how.number, delay_ms);
}

/* --- repairing ------------------------------------------------------------ */

static void
start_one(struct coh_generation *generation)
{
    generation->repair.candidate = coh_template_new(generation, true);
    if (!generation->repair.candidate) {
        try_later(generation, RETRY_MS);
    }
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_generation *generation = user;

    (void)fd;
    (void)what;
    if (generation->state == COH_GENERATION_SERVING) {
        start_one(generation);
    }
}

static void
try_later(struct coh_generation *generation, uint64_t delay_ms)
{
    if (delay_ms > 0) {
        coh_event_add_ms(&generation->repair.retry, delay_ms);
    } else {
        start_one(generation);
    }
}

/* Without a template, workers that die cannot be replaced. One that is loading
   already will do. */
static void
begin(struct coh_generation *generation, const struct coh_lost_template *lost)
{
    struct coh_repair *repair = &generation->repair;

    tell(generation, COH_EVENT_TEMPLATE_LOST, lost, NULL);
    generation->is_repairing = true;
    repair->candidate = generation->renewal;
    generation->renewal = NULL;
    if (!repair->candidate) {
        try_later(
            generation, coh_respawn_delay(&repair->respawn, lost->life_ms));
    }
}

/* Nobody waits for it any more. */
static void
give_up(struct coh_generation *generation, enum coh_template_fault fault)
{
    if (generation->is_repairing) {
        generation->is_repairing = false;
        tell(generation, COH_EVENT_TEMPLATE_MISSING, NULL, reasons[fault]);
        coh_generation_give_up_forks(generation);
    }
}

/* Another configuration stays another one; all else may pass: errors of what a
   file, a folder or a name is missing for, too. */
static void
go_on(struct coh_generation *generation, const struct coh_lost_template *lost)
{
    uint64_t delay_ms = coh_respawn_delay(&generation->repair.respawn, 0);

    if (lost->fault == COH_TEMPLATE_FINE) {
        log_loss(generation, lost, delay_ms);
    } else {
        delay_ms = delay_ms > RETRY_MS ? delay_ms : RETRY_MS;
        give_up(generation, lost->fault);
    }
    if (lost->fault != COH_TEMPLATE_CHANGED) {
        try_later(generation, delay_ms);
    }
}

void
coh_template_repair_init(struct coh_generation *generation)
{
    event_assign(
        &generation->repair.retry, generation->primary->loop.base, -1, 0,
        on_retry, generation);
}

void
coh_template_repair_end(struct coh_generation *generation)
{
    generation->is_repairing = false;
    generation->repair.candidate = NULL;
    event_del(&generation->repair.retry);
}

/* --- what happens to templates -------------------------------------------- */

/* If the worker lives, its own hello brings its pidfd; if that was lost on its
   way here, nobody could watch it, and it has to leave. If it was never made,
   nobody has the far end of its channel any more, and that ends. */
static void
leave_to_itself(struct coh_primary *primary, uint64_t worker_id)
{
    struct coh_worker *worker =
        worker_id ? coh_worker_find(primary, worker_id) : NULL;

    if (!worker) {
        return;
    }
    coh_fds_close(&worker->far_end, 1);
    if (worker->is_online && worker->child.pidfd < 0) {
        shutdown(worker->channel.fd, SHUT_RDWR);
    }
}

static void
lose_while_serving(
    struct coh_generation *generation, const struct coh_lost_template *lost)
{
    if (lost->was_used) {
        begin(generation, lost);
    } else if (lost->was_candidate) {
        go_on(generation, lost);
    } else if (lost->was_renewal) {
        tell(generation, COH_EVENT_TEMPLATE_KEPT, lost, reasons[lost->fault]);
    }
}

void
coh_generation_lost_template(
    struct coh_generation *generation, const struct coh_lost_template *lost)
{
    leave_to_itself(generation->primary, lost->asked);
    if (generation->state < COH_GENERATION_SERVING) {
        coh_reload_failed(
            generation,
            lost->has_hung ? "its template did not run, and was ended"
                           : "its template has ended");
    } else if (generation->state == COH_GENERATION_SERVING) {
        lose_while_serving(generation, lost);
    } else {
        coh_generation_reap(generation);
    }
}

void
coh_generation_renew_template(struct coh_generation *generation)
{
    if (generation->state != COH_GENERATION_SERVING || !generation->template ||
        generation->renewal) {
        return;
    }
    generation->renewal = coh_template_new(generation, true);
    if (!generation->renewal) {
        tell(
            generation, COH_EVENT_TEMPLATE_KEPT, NULL,
            "no other one can be started");
    }
}

void
coh_generation_repaired(
    struct coh_generation *generation, struct coh_template *template,
    uint64_t digest)
{
    bool is_renewal = generation->renewal == template;
    bool was_given_up = !is_renewal && !generation->is_repairing;
    char why[COH_LISTENER_WHY_MAX];

    if (digest != generation->digest) {
        template->fault = COH_TEMPLATE_CHANGED;
        coh_template_end(template);
        return;
    }
    if (coh_opening_send_files(template, why) < 0) {
        cohort_error(
            &generation->primary->log,
            "a template of generation %" PRIu64 " cannot be used: %s",
            generation->number, why);
        coh_template_end(template);
        return;
    }
    coh_template_repair_end(generation);
    generation->renewal = NULL;
    tell(
        generation,
        is_renewal ? COH_EVENT_TEMPLATE_RENEWED : COH_EVENT_TEMPLATE_REPAIRED,
        NULL, NULL);
    coh_template_use(template);
    if (was_given_up) {
        coh_scale_settle(generation);
    }
}
