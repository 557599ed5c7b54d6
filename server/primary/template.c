/* Templates: their processes, and the workers that they are asked for. */
#include "server/primary/template.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/socket.h"
#include "server/primary/generation.h"
#include "server/process/spawn.h"
#include "server/process/template.h"

/* --- its beginning -------------------------------------------------------- */

/* In the child: go on as the template. */
static void
become_template(void *user, int channel, pid_t parent)
{
    const struct coh_template *template = user;
    struct coh_generation *generation = template->generation;
    const struct coh_program *program = generation->primary->program;
    char birth[64];

    if (program->is_forked) {
        struct coh_template_birth made = {
            .options = program->options,
            .service = program->service,
            .channel = channel,
            .generation = generation->number,
            .primary = parent,
        };

        coh_primary_forget(generation->primary);
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

/* Its last words have been read, and it has been reaped. */
static void
bury(struct coh_template *template)
{
    struct coh_generation *generation = template->generation;
    struct coh_lost_template lost = {
        .pid = template->child.pid,
        .how = template->how,
        .was_used = generation->template == template,
        .was_candidate = generation->repair.candidate == template,
        .was_renewal = generation->renewal == template,
        .life_ms = coh_monotonic_ms() - template->used_ms,
        .fault = template->fault,
        .has_hung = template->has_hung,
        .asked = template->asked,
    };

    if (lost.was_used) {
        generation->template = NULL;
    }
    if (lost.was_candidate) {
        generation->repair.candidate = NULL;
    }
    if (lost.was_renewal) {
        generation->renewal = NULL;
    }
    LIST_REMOVE(template, link);
    coh_channel_fini(&template->channel);
    event_del(&template->retry);
    coh_template_watch_end(template);
    free(template);
    coh_generation_lost_template(generation, &lost);
}

static void
on_ended(struct coh_child *child, struct coh_exit how)
{
    struct coh_template *template =
        (struct coh_template
             *)((char *)child - offsetof(struct coh_template, child));

    template->has_exited = true;
    template->how = how;
    if (template->channel.fd < 0) {
        bury(template);
    }
}

void
coh_template_lose(struct coh_template *template)
{
    if (template->has_exited) {
        bury(template);
    } else {
        coh_child_signal(&template->child, SIGKILL);
    }
}

/* Fork it. 0 or -errno. */
static int
fork_template(struct coh_template *template)
{
    struct coh_loop *loop = &template->generation->primary->loop;
    int ends[2];
    int result = coh_socket_pair(SOCK_SEQPACKET, ends);

    if (result == 0) {
        result = coh_child_fork(
            &template->child, loop, ends, become_template, template);
    }
    if (result < 0) {
        return result;
    }
    return coh_channel_init(
        &template->channel, loop, ends[0], &coh_declared_role, template,
        &template->generation->primary->log);
}

static int
send_hello(struct coh_template *template)
{
    struct coh_frame_hello hello;

    template->channel.peer_id = template->generation->number;
    coh_hello_fill(&hello, template->generation->number, 0, UINT32_MAX);
    return coh_channel_send(
        &template->channel, COH_FRAME_HELLO, &hello, sizeof(hello));
}

struct coh_template *
coh_template_new(struct coh_generation *generation, bool is_repair)
{
    struct coh_template *template = calloc(1, sizeof(*template));
    int result = template ? 0 : -ENOMEM;

    if (template) {
        template->generation = generation;
        template->is_repair = is_repair;
        template->channel.fd = -1;
        event_assign(
            &template->retry, generation->primary->loop.base, -1, 0,
            coh_template_on_retry, template);
        coh_template_watch_init(template);
        coh_child_init(&template->child, on_ended);
        result = fork_template(template);
    }
    if (result == 0) {
        LIST_INSERT_HEAD(&generation->templates, template, link);
        if (is_repair) {
            coh_template_watch_begin(template);
        }
        if (send_hello(template) < 0) {
            coh_child_signal(&template->child, SIGKILL);
        }
        return template;
    }
    cohort_crit(
        &generation->primary->log, "cannot start a template: %s",
        strerror(-result));
    if (template) {
        coh_child_signal(&template->child, SIGKILL);
        coh_child_fini(&template->child);
        free(template);
    }
    return NULL;
}

/* --- its use and its end -------------------------------------------------- */

/* It finishes what it was asked for, and leaves. */
static void
hang_up(struct coh_template *template)
{
    coh_channel_fini(&template->channel);
    event_del(&template->retry);
    coh_template_watch_end(template);
    if (template->has_exited) {
        bury(template);
    } else if (template->used_ms > 0) {
        coh_template_watch_begin(template); /* others have been killed */
    }
}

void
coh_template_use(struct coh_template *template)
{
    struct coh_template *before = template->generation->template;

    template->generation->template = template;
    template->used_ms = coh_monotonic_ms();
    coh_template_watch_end(template);
    if (before) {
        hang_up(before);
    }
    coh_template_ask(template);
}

void
coh_template_end(struct coh_template *template)
{
    struct coh_generation *generation = template->generation;

    if (generation->template == template) {
        generation->template = NULL;
    } else {
        coh_child_signal(&template->child, SIGKILL); /* it may be busy */
    }
    hang_up(template);
}

void
coh_template_forget(struct coh_template *template)
{
    coh_channel_forget(&template->channel);
    if (template->child.pidfd >= 0) {
        close(template->child.pidfd);
    }
}
