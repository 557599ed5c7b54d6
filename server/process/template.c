/* A template's life: load, report, then wait for requests. Its channel is
   synchronous: it has no event loop that workers would inherit.

   States of the channel: NEW until the primary's hello, OPEN to the end. */
#include "server/process/template.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "server/channel/channel.h"
#include "server/process/frames.h"
#include "server/process/load.h"
#include "server/process/missed_files.h"
#include "server/process/report.h"
#include "server/process/spawn.h"
#include "server/process/stack.h"
#include "server/process/terminal.h"
#include "server/process/title.h"
#include "server/process/worker.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1
};

/* The primary decides when a template goes. */
static const int ignored_signals[] = {SIGPIPE, SIGXFSZ, SIGINT,  SIGQUIT,
                                      SIGHUP,  SIGUSR1, SIGUSR2, SIGWINCH,
                                      SIGTTIN, SIGTTOU, 0};

struct template
{
    const struct coh_template_birth *birth;
    struct cohort_load *load;
    struct coh_channel channel;
    struct coh_missed_files missed;
    bool is_over; /* nothing more to wait for */
    bool has_become_worker;
    int status;
};

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
}

/* --- log files ------------------------------------------------------------ */

/* A log that may be missing goes to standard error instead. */
static void
accept_missing(struct template *template, struct cohort_file *file, int error)
{
    coh_report_text(
        &template->channel, false,
        "cannot open the log file %s: %s; standard error takes its place",
        file->path, strerror(error));
    file->target.fd = dup(STDERR_FILENO);
}

static void
on_file(struct coh_channel *channel, struct coh_message *message)
{
    struct template *template = channel->user;
    const struct coh_frame_answer *answer = message->data;
    struct cohort_file *file;

    if (answer->index >= template->load->file_count ||
        (answer->result == 0) != (message->fd_count == 1)) {
        coh_channel_reject(channel, "is about no file of ours");
        return;
    }
    file = &template->load->files[answer->index];
    if (answer->result < 0) {
        accept_missing(template, file, -answer->result);
        return;
    }
    file->target.fd = message->fds[0];
    message->fds[0] = -1;
}

static void
on_reopen(struct coh_channel *channel, struct coh_message *message)
{
    struct template *template = channel->user;
    const struct coh_frame_reopen *frame = message->data;

    if (message->lost_fd_count > 0) {
        if (coh_missed_files_note(&template->missed)) {
            coh_report_text(
                channel, true, "the template: %s", COH_MISSED_FILES_WARNING);
        }
        return;
    }
    if (frame->count != message->fd_count) {
        coh_channel_reject(channel, "has not the descriptors that it names");
        return;
    }
    coh_load_reopen(
        template->load, frame->files, message->fds, message->fd_count);
    if (coh_missed_files_come(&template->missed)) {
        coh_report_text(channel, false, "the template: the new log files came");
    }
}

/* --- workers -------------------------------------------------------------- */

/* The message is gone with the channel. NULL: there is none, or it does not
   end. */
static const char *
keep_environment(struct coh_arena *arena, const struct coh_message *message)
{
    const char *text =
        (const char *)message->data + sizeof(struct coh_frame_fork);
    size_t size = message->size - sizeof(struct coh_frame_fork);
    char *kept;

    if (size == 0 || text[size - 1] != '\0') {
        return NULL;
    }
    kept = coh_arena_alloc(arena, size + 1); /* zeroed: "" ends the list */
    memcpy(kept, text, size);
    return kept;
}

/* In the child. The packet held nothing but this request (the primary waits for
   each answer), so no other worker's descriptors are with us. */
static void
become_worker(struct template *template, struct coh_message *message)
{
    struct coh_worker_birth birth = {
        .channel = message->fds[0],
        .slots = message->fds[1],
        .words = message->fds[2],
        .parent = template->birth->primary,
    };

    memcpy(&birth.request, message->data, sizeof(birth.request));
    birth.environment = keep_environment(template->load->arena, message);
    message->fds[0] = -1;
    message->fds[1] = -1;
    message->fds[2] = -1;
    coh_channel_fini(&template->channel);
    template->has_become_worker = true;
    template->is_over = true;
    template->status = coh_worker_run(template->load, &birth);
}

static void
on_fork(struct coh_channel *channel, struct coh_message *message)
{
    struct template *template = channel->user;
    const struct coh_frame_fork *request = message->data;
    struct coh_frame_forked answer = {.worker_id = request->worker_id};
    int pidfd = -1;

    if (template->load->settings->is_daemon) {
        coh_terminal_leave(&template->load->settings->log);
    }
    answer.pid = coh_spawn_fork(true, &pidfd);
    if (answer.pid == 0) {
        become_worker(template, message);
        return;
    }
    if (answer.pid > 0) {
        coh_channel_send_fds(
            channel, COH_FRAME_FORKED, &answer, sizeof(answer), &pidfd, 1);
        close(pidfd);
    } else {
        coh_channel_send(channel, COH_FRAME_FORKED, &answer, sizeof(answer));
    }
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct template *template = channel->user;

    (void)message;
    template->is_over = true;
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_FILE_OPEN,
        .name = "file",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_answer),
        .max_size = sizeof(struct coh_frame_answer),
        .max_fds = 1,
        .handle = on_file,
    },
    {
        .type = COH_FRAME_FORK,
        .name = "fork",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_fork),
        .max_size = sizeof(struct coh_frame_fork) + COH_ENVIRONMENT_MAX,
        .min_fds = 3,
        .max_fds = 3,
        .handle = on_fork,
    },
    {
        .type = COH_FRAME_REOPEN,
        .name = "reopen",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_reopen),
        .max_size = sizeof(struct coh_frame_reopen),
        .max_fds = COH_FDPASS_MAX,
        .may_lose_fds = true,
        .handle = on_reopen,
    },
};

static const struct coh_channel_role role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

/* --- its life ------------------------------------------------------------- */

static void
on_load_message(void *user, bool is_error, const char *text)
{
    struct template *template = user;

    coh_report_text(&template->channel, is_error, "%s", text);
}

static int
say_hello(struct template *template)
{
    struct coh_frame_hello hello;

    coh_hello_fill(&hello, template->birth->generation, 0, UINT32_MAX);
    return coh_channel_send(
        &template->channel, COH_FRAME_HELLO, &hello, sizeof(hello));
}

/* Until it is over, or the primary is gone. */
static void
obey(struct template *template)
{
    int result = 0;

    coh_missed_files_init(&template->missed, &template->channel, NULL, NULL);
    while (!template->is_over && (result == 0 || result == -ETIMEDOUT)) {
        coh_missed_files_ask(&template->missed);
        result = coh_channel_wait(
            &template->channel, coh_missed_files_wait_ms(&template->missed));
    }
}

static void
serve(struct template *template)
{
    struct cohort_load *load = template->load;
    const struct coh_template_birth *birth = template->birth;
    int result;

    load->tell = on_load_message;
    load->user = template;
    if (coh_load_run(load, birth->options, birth->service, false) < 0) {
        coh_report_failure(&template->channel, "%u errors", load->error_count);
        template->status = 1;
    } else if ((result = coh_report_load(&template->channel, load)) < 0) {
        coh_report_failure(
            &template->channel, "cannot tell the primary what was loaded: %s",
            strerror(-result));
        template->status = 1;
    } else {
        obey(template);
    }
    if (!template->has_become_worker) {
        coh_load_free(load);
    }
}

int
coh_template_run(const struct coh_template_birth *birth)
{
    struct template template = {.birth = birth};

    coh_spawn_forget();
    coh_stack_prepare();
    coh_title_set("cohort: template %" PRIu64, birth->generation);
    coh_spawn_child_signals(ignored_signals);
    if (coh_spawn_die_with_parent(birth->primary, SIGKILL) < 0) {
        return 1;
    }
    template.load = calloc(1, sizeof(*template.load));
    if (!template.load ||
        coh_channel_init(
            &template.channel, NULL, birth->channel, &role, &template,
            coh_log_stderr()) < 0) {
        free(template.load);
        return 1;
    }
    if (say_hello(&template) == 0) {
        serve(&template);
    }
    if (!template.has_become_worker) {
        coh_channel_fini(&template.channel);
    }
    free(template.load);
    return template.status;
}
