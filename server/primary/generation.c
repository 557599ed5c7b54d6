/* Generations: made, asked for workers, and freed. */
#include "server/primary/generation.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "server/primary/admin_sockets.h"
#include "server/primary/grow.h"
#include "server/primary/leaving.h"
#include "server/primary/main_group.h"
#include "server/primary/retire.h"
#include "server/primary/vacancy.h"

/* NULL: somebody serves. Else what comes of it. */
static const char *
why_nobody_serves(const struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->place_count; i++) {
        const struct coh_worker *worker = generation->places[i].worker;

        if (worker && worker->state == COH_WORKER_SERVING) {
            return NULL;
        }
    }
    return generation->template || generation->is_repairing
        ? "others are to follow"
        : "those that died are not replaced; reload";
}

static void
on_paused(struct coh_rotation *rotation, bool is_paused)
{
    struct coh_generation *generation =
        (struct coh_generation
             *)((char *)rotation - offsetof(struct coh_generation, rotation));
    struct coh_event event = {
        .kind = is_paused ? COH_EVENT_ACCEPT_PAUSED : COH_EVENT_ACCEPT_RESUMED,
        .generation = generation->number,
        .text = is_paused ? why_nobody_serves(generation) : NULL,
    };

    coh_event_tell(&generation->primary->readers, &event);
}

struct coh_generation *
coh_generation_new(struct coh_primary *primary)
{
    struct coh_generation *generation = calloc(1, sizeof(*generation));

    if (!generation) {
        return NULL;
    }
    generation->primary = primary;
    generation->number = coh_number_take(&primary->numbers.words->generation);
    generation->configuration = -1;
    TAILQ_INIT(&generation->fork_queue);
    LIST_INIT(&generation->templates);
    for (size_t i = 0; i < COH_LOG_TARGETS_MAX; i++) {
        generation->log_fds[i] = -1;
    }
    coh_rotation_init(&generation->rotation, &primary->loop, &primary->log);
    generation->rotation.on_paused = on_paused;
    coh_dropping_init(generation);
    coh_main_group_init(generation);
    coh_retire_init(generation);
    coh_vacancy_init(generation);
    coh_template_repair_init(generation);
    TAILQ_INSERT_TAIL(&primary->generations, generation, link);
    if (!coh_template_new(generation, false)) {
        generation->state = COH_GENERATION_ENDING;
        coh_generation_reap(generation);
        return NULL;
    }
    return generation;
}

/* --- forks ---------------------------------------------------------------- */

void
coh_generation_fork(
    struct coh_generation *generation, struct coh_worker *worker)
{
    TAILQ_INSERT_TAIL(&generation->fork_queue, worker, fork_link);
    worker->is_in_fork_queue = true;
    if (generation->template) {
        coh_template_ask(generation->template);
    }
}

bool
coh_generation_unfork(
    struct coh_generation *generation, struct coh_worker *worker)
{
    if (!worker->is_in_fork_queue) {
        return false;
    }
    TAILQ_REMOVE(&generation->fork_queue, worker, fork_link);
    worker->is_in_fork_queue = false;
    return true;
}

void
coh_generation_give_up_forks(struct coh_generation *generation)
{
    struct coh_worker *worker;

    while ((worker = TAILQ_FIRST(&generation->fork_queue)) != NULL) {
        coh_generation_unfork(generation, worker);
        coh_worker_stillborn(worker);
    }
}

/* --- templates ------------------------------------------------------------ */

void
coh_generation_end_templates(struct coh_generation *generation)
{
    struct coh_template *template = LIST_FIRST(&generation->templates);

    coh_template_repair_end(generation);
    coh_generation_give_up_forks(generation);
    while (template) {
        struct coh_template *after = LIST_NEXT(template, link);

        coh_template_end(template);
        template = after;
    }
}

/* --- the end -------------------------------------------------------------- */

static void
free_generation(struct coh_generation *generation)
{
    coh_leaving_end(generation);
    coh_retire_fini(generation);
    coh_vacancy_fini(generation);
    coh_template_repair_end(generation);
    coh_main_group_fini(generation);
    coh_rotation_fini(&generation->rotation);
    coh_dropping_fini(generation);
    for (unsigned i = 0; i < generation->place_count; i++) {
        event_del(&generation->places[i].retry);
        coh_place_environment_forget(&generation->places[i].environment);
    }
    for (size_t i = 0; i < generation->file_count; i++) {
        free(generation->files[i]);
    }
    coh_fds_close(generation->log_fds, COH_LOG_TARGETS_MAX);
    coh_fds_close(&generation->configuration, 1);
    for (size_t i = 0; i < generation->declaration_count; i++) {
        coh_group_declaration_free(generation->declarations[i]);
    }
    coh_admin_sockets_release(generation);
    coh_secrets_release(generation);
    free(generation->report);
    free(generation->places);
    free(generation);
}

/* What bursts have left free, in pages between what is in use, is the kernel's
   again: else a primary seems to grow over days of reloads. */
static void
give_memory_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

bool
coh_generation_reap(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;

    if (generation->state != COH_GENERATION_ENDING ||
        !LIST_EMPTY(&generation->templates) || generation->worker_count > 0) {
        return false;
    }
    TAILQ_REMOVE(&primary->generations, generation, link);
    free_generation(generation);
    give_memory_back();
    coh_primary_end_if_alone(primary);
    return true;
}

void
coh_generation_forget(struct coh_generation *generation)
{
    struct coh_template *template;

    LIST_FOREACH (template, &generation->templates, link) {
        coh_template_forget(template);
    }
    coh_rotation_abandon(&generation->rotation);
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        if (generation->acceptors[i].listener) { /* not one that is covered */
            coh_interval_forget(&generation->acceptors[i].interval);
        }
    }
}
