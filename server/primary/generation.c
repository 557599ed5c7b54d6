/* Generations: their template's process, its fork requests, and their end. */
#include "server/primary/generation.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/socket.h"
#include "server/primary/leaving.h"
#include "server/primary/reload.h"
#include "server/primary/retire.h"
#include "server/process/spawn.h"
#include "server/process/template.h"

/* --- the template's process ----------------------------------------------- */

/* In the child: go on as the template. */
static void
become_template(
    struct coh_primary *primary, struct coh_generation *generation, int channel,
    pid_t parent)
{
    const struct coh_program *program = primary->program;
    char birth[64];

    if (program->is_forked) {
        struct coh_template_birth made = {
            .options = program->options,
            .service = program->service,
            .channel = channel,
            .generation = generation->number,
            .primary = parent,
        };

        coh_primary_forget(primary);
        _exit(coh_template_run(&made));
    }
    snprintf(
        birth, sizeof(birth), "%d:%" PRIu64 ":%d", channel, generation->number,
        (int)parent);
    setenv(COH_TEMPLATE_ENVIRONMENT, birth, 1);
    coh_spawn_self(
        coh_command_line_words(program->options, coh_arena_new(4096)), &channel,
        1);
    _exit(127);
}

static void
on_template_exit(struct coh_child *child, struct coh_exit how)
{
    struct coh_generation *generation =
        (struct coh_generation
             *)((char *)child - offsetof(struct coh_generation, template));
    struct coh_event event = {
        .kind = COH_EVENT_TEMPLATE_LOST,
        .generation = generation->number,
        .pid = child->pid,
        .how = how,
    };

    generation->has_template = false;
    coh_channel_fini(&generation->channel);
    coh_generation_lose_queue(generation);
    if (generation->state == COH_GENERATION_SERVING) {
        coh_event_tell(&generation->primary->readers, &event);
    }
    if (generation->state < COH_GENERATION_SERVING) {
        coh_reload_failed(generation, "its template has ended");
    } else {
        coh_generation_reap(generation);
    }
}

static int
start_template(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;
    pid_t parent = getpid();
    int pidfd = -1;
    int ends[2];
    pid_t pid;
    int result = coh_socket_pair(SOCK_SEQPACKET, ends);

    if (result < 0) {
        return result;
    }
    fflush(NULL); /* or what stands there is written twice */
    pid = coh_spawn_fork(false, &pidfd);
    if (pid == 0) {
        close(ends[0]);
        become_template(primary, generation, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return pid;
    }
    result = coh_child_watch(&generation->template, &primary->loop, pid, pidfd);
    generation->has_template = result == 0;
    if (result < 0) {
        close(ends[0]);
        return result;
    }
    return coh_channel_init(
        &generation->channel, &primary->loop, ends[0], &coh_declared_role,
        generation, &primary->log);
}

static int
send_hello(struct coh_generation *generation)
{
    struct coh_frame_hello hello;

    generation->channel.peer_id = generation->number;
    coh_hello_fill(&hello, generation->number, 0, UINT32_MAX);
    return coh_channel_send(
        &generation->channel, COH_FRAME_HELLO, &hello, sizeof(hello));
}

struct coh_generation *
coh_generation_new(struct coh_primary *primary)
{
    struct coh_generation *generation = calloc(1, sizeof(*generation));
    int result;

    if (!generation) {
        return NULL;
    }
    generation->primary = primary;
    generation->number = ++primary->last_generation;
    generation->channel.fd = -1;
    TAILQ_INIT(&generation->fork_queue);
    coh_log_init(&generation->log, coh_log_stderr());
    coh_rotation_init(&generation->rotation, &primary->loop, &primary->log);
    coh_retire_init(generation);
    coh_child_init(&generation->template, on_template_exit);
    TAILQ_INSERT_TAIL(&primary->generations, generation, link);
    result = start_template(generation);
    if (result == 0) {
        result = send_hello(generation);
    }
    if (result < 0) {
        cohort_crit(
            &primary->log, "cannot start a template: %s", strerror(-result));
        generation->state = COH_GENERATION_ENDING;
        coh_generation_end_template(generation);
        coh_generation_reap(generation);
        return NULL;
    }
    return generation;
}

void
coh_generation_end_template(struct coh_generation *generation)
{
    coh_channel_fini(&generation->channel);
    coh_generation_lose_queue(generation);
    if (generation->state <= COH_GENERATION_STARTING) {
        coh_child_signal(&generation->template, SIGKILL);
    }
}

/* --- forks ---------------------------------------------------------------------- */

static int
ask(struct coh_generation *generation, struct coh_worker *worker)
{
    struct coh_frame_fork frame = {
        .worker_id = worker->id,
        .generation = generation->number,
        .slot = worker->slot,
    };
    int fds[] = {worker->far_end, generation->primary->slots.fd};

    return coh_channel_send_fds(
        &generation->channel, COH_FRAME_FORK, &frame, sizeof(frame), fds, 2);
}

/* Ask for the first in the queue, if nobody is being forked. */
static void
ask_next(struct coh_generation *generation)
{
    struct coh_worker *worker = TAILQ_FIRST(&generation->fork_queue);
    int result;

    if (!worker || generation->asked) {
        return;
    }
    result = ask(generation, worker);
    if (result < 0) {
        cohort_error(
            &generation->primary->log,
            "ending the template of generation %" PRIu64
            ", which takes no requests: %s",
            generation->number, strerror(-result));
        coh_child_signal(&generation->template, SIGKILL);
        return;
    }
    coh_generation_unfork(generation, worker);
    generation->asked = worker->id;
}

void
coh_generation_fork(
    struct coh_generation *generation, struct coh_worker *worker)
{
    TAILQ_INSERT_TAIL(&generation->fork_queue, worker, fork_link);
    worker->is_in_fork_queue = true;
    ask_next(generation);
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

/* NULL if it is gone already. */
static struct coh_worker *
find_worker(struct coh_primary *primary, uint64_t id)
{
    struct coh_worker *worker;

    TAILQ_FOREACH (worker, &primary->workers, link) {
        if (worker->id == id) {
            return worker;
        }
    }
    return NULL;
}

void
coh_generation_forked(
    struct coh_generation *generation, uint64_t worker_id, pid_t pid, int pidfd)
{
    struct coh_worker *worker = find_worker(generation->primary, worker_id);

    if (generation->asked == worker_id) {
        generation->asked = 0;
    }
    if (pid < 0) {
        cohort_error(
            &generation->primary->log, "cannot fork a worker: %s",
            strerror(-(int)pid));
    }
    if (!worker) {
        close(pidfd); /* it has lived and been reaped by its own */
    } else if (pid < 0) {
        coh_worker_stillborn(worker);
    } else {
        coh_worker_born(worker, pid, pidfd);
    }
    ask_next(generation);
}

void
coh_generation_lose_queue(struct coh_generation *generation)
{
    struct coh_worker *worker;
    uint64_t asked = generation->asked;

    generation->asked = 0;
    while ((worker = TAILQ_FIRST(&generation->fork_queue)) != NULL) {
        coh_generation_unfork(generation, worker);
        coh_worker_stillborn(worker);
    }
    /* If the one being forked lives, its own hello brings its pidfd; if not,
       its channel ends. */
    worker = asked ? find_worker(generation->primary, asked) : NULL;
    if (worker && worker->far_end >= 0) {
        close(worker->far_end);
        worker->far_end = -1;
    }
}

/* --- the end ---------------------------------------------------------------------- */

static void
free_generation(struct coh_generation *generation)
{
    coh_leaving_end(generation);
    coh_retire_fini(generation);
    coh_rotation_fini(&generation->rotation);
    for (unsigned i = 0; i < generation->place_count; i++) {
        event_del(&generation->places[i].retry);
    }
    for (size_t i = 0; i < generation->file_count; i++) {
        free(generation->files[i]);
    }
    for (size_t i = 0; i < generation->settings.log_count; i++) {
        if (generation->log_targets[i].fd > STDERR_FILENO) {
            close(generation->log_targets[i].fd);
        }
    }
    free(generation->places);
    free(generation);
}

bool
coh_generation_reap(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;

    if (generation->state != COH_GENERATION_ENDING ||
        generation->has_template || generation->worker_count > 0) {
        return false;
    }
    TAILQ_REMOVE(&primary->generations, generation, link);
    free_generation(generation);
    coh_primary_generation_gone(primary);
    return true;
}

void
coh_generation_forget(struct coh_generation *generation)
{
    if (generation->channel.fd >= 0) {
        close(generation->channel.fd);
    }
    if (generation->template.pidfd >= 0) {
        close(generation->template.pidfd);
    }
}
