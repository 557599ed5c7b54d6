/* What a template says: its frames are checked and written down; nothing is
   opened before all of it is known.

   States of the channel: NEW until its hello, LOADING until its loaded frame,
   LOADED to the end. */
#include <stdlib.h>
#include <string.h>

#include "server/accept/listen_options.h"
#include "server/primary/generation.h"
#include "server/primary/reload.h"
#include "server/primary/reopening.h"
#include "server/process/sandbox.h"

enum {
    LOADING = COH_CHANNEL_NEW << 1,
    LOADED = LOADING << 1,
};

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = LOADING;
}

/* More errors than fit are known by the log alone. */
#define REPORT_MAX (64 * 1024)

/* Gather all errors of a load for whoever asked for it. They have several lines
   and no control characters, so one separates them. */
static void
add_to_report(struct coh_generation *generation, const char *text)
{
    size_t before = generation->report ? strlen(generation->report) : 0;
    size_t size = strlen(text);
    char *grown;

    if (before + size + 2 > REPORT_MAX) {
        return;
    }
    grown = realloc(generation->report, before + size + 2);
    if (grown) {
        memcpy(grown + before, text, size);
        memcpy(grown + before + size, "\x1e", 2);
        generation->report = grown;
    }
}

/* A text behind the head of a frame, NUL-terminated in out. */
static void
take_text(
    const struct coh_message *message, size_t head_size, char *out,
    size_t out_size)
{
    size_t size = message->size - head_size;

    if (size >= out_size) {
        size = out_size - 1;
    }
    memcpy(out, (const char *)message->data + head_size, size);
    out[size] = '\0';
}

static void
on_log(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_log *frame = message->data;
    char text[COH_FRAME_TEXT_MAX + 1];

    if (frame->level > COHORT_LOG_DEBUG) {
        coh_channel_reject(channel, "has a level that is none");
        return;
    }
    take_text(message, sizeof(*frame), text, sizeof(text));
    coh_primary_tell(
        generation->primary, (enum cohort_log_level)frame->level, text);
    if (frame->level <= COHORT_LOG_ERROR &&
        generation->state == COH_GENERATION_LOADING) {
        add_to_report(generation, text);
        coh_upgrade_say(&generation->primary->upgrade, true, text);
    }
    if (frame->level <= COHORT_LOG_ERROR && !generation->why[0]) {
        memccpy(generation->why, text, '\n', sizeof(generation->why) - 1);
        generation->why[strcspn(generation->why, "\n")] = '\0';
    }
}

static void
on_settings(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_settings *frame = message->data;

    if (frame->log_count > COH_LOG_TARGETS_MAX ||
        frame->worker_processes > frame->worker_processes_max ||
        frame->sandbox > COH_SANDBOX_ON ||
        frame->policy > COHORT_POLICY_REUSEPORT) {
        coh_channel_reject(channel, "has settings that cannot be");
        return;
    }
    if (template->is_repair) {
        return; /* the digest says whether they are the same */
    }
    generation->settings = *frame;
    generation->has_settings = true;
    take_text(
        message, sizeof(*frame), generation->pid_path,
        sizeof(generation->pid_path));
}

static bool
is_admin_address(const struct coh_frame_admin_address *asked)
{
    struct coh_addr address = {.size = asked->address_size};

    if (asked->address_size > sizeof(address.u)) {
        return false;
    }
    memcpy(&address.u, &asked->address, asked->address_size);
    return coh_addr_is_valid(&address);
}

static void
on_admin(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    const struct coh_frame_admin *frame = message->data;

    if (frame->count > COH_ADMIN_ADDRESSES_MAX ||
        frame->group_count > COH_ADMIN_GROUPS_MAX) {
        coh_channel_reject(channel, "has admin settings that cannot be");
        return;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        if (!is_admin_address(&frame->addresses[i])) {
            coh_channel_reject(channel, "has an admin address that is none");
            return;
        }
    }
    if (!template->is_repair) {
        template->generation->admin = *frame;
    }
}

static void
on_listen(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_listen *frame = message->data;
    struct coh_listen_request *request;

    if (template->is_repair) {
        return;
    }
    if (frame->index != generation->request_count ||
        frame->index >= COH_LOAD_LISTENERS_MAX ||
        frame->address_size > sizeof(request->address.u)) {
        coh_channel_reject(channel, "is out of order");
        return;
    }
    request = &generation->requests[generation->request_count++];
    memcpy(&request->address.u, &frame->address, frame->address_size);
    request->address.size = frame->address_size;
    if (!coh_addr_is_valid(&request->address) ||
        !coh_listen_options_are_valid(&frame->options)) {
        coh_channel_reject(channel, "asks for no address that can be");
        return;
    }
    request->options = frame->options;
}

static void
on_group(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    struct coh_group_declaration *declaration;

    if (template->is_repair) {
        return;
    }
    declaration = generation->declaration_count < COH_WORKER_GROUPS_MAX
        ? coh_group_declaration_new(message->data, message->size)
        : NULL;
    if (!declaration) {
        coh_channel_reject(channel, "has a worker group that cannot be");
        return;
    }
    generation->declarations[generation->declaration_count++] = declaration;
}

static void
on_file(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_file *frame = message->data;
    char path[COH_FRAME_PATH_MAX + 1];

    if (template->is_repair) {
        return;
    }
    if (frame->index >= COH_LOAD_FILES_MAX || generation->files[frame->index]) {
        coh_channel_reject(channel, "is out of order");
        return;
    }
    take_text(message, sizeof(*frame), path, sizeof(path));
    generation->files[frame->index] = strdup(path);
    generation->is_optional[frame->index] = frame->is_optional != 0;
    if (frame->index >= generation->file_count) {
        generation->file_count = frame->index + 1;
    }
}

static void
on_counter(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_counter *frame = message->data;
    int total =
        coh_totals_declare(&generation->primary->totals, frame, message->size);

    if (template->is_repair) {
        return;
    }
    if (frame->index != generation->counter_count ||
        frame->index >= COH_SLOT_COUNTERS_MAX || total < 0 ||
        frame->health >= COHORT_HEALTH_COUNT) {
        coh_channel_reject(channel, "is out of order, or one too many");
        return;
    }
    generation->health[frame->index] = (uint8_t)frame->health;
    generation->totals[generation->counter_count++] = (uint16_t)total;
}

static void
on_secret(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    const struct coh_frame_secret *frame = message->data;
    struct cohort_str name =
        cohort_str_n((const char *)(frame + 1), message->size - sizeof(*frame));

    if (!template->is_repair &&
        coh_secrets_declare(template->generation, frame, name) < 0) {
        coh_channel_reject(channel, "declares a secret that cannot be had");
    }
}

static void
on_loaded(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    struct coh_generation *generation = template->generation;
    const struct coh_frame_loaded *frame = message->data;

    if (!generation->has_settings) {
        coh_channel_reject(channel, "comes before the settings");
        return;
    }
    channel->state = LOADED;
    if (template->is_repair) {
        coh_generation_repaired(generation, template, frame->digest);
        return;
    }
    generation->digest = frame->digest;
    if (message->fd_count > 0) {
        generation->configuration = message->fds[0];
        message->fds[0] = -1;
    }
    coh_template_use(template);
    coh_reload_loaded(generation);
}

static void
on_failed(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_template *template = channel->user;
    char text[COH_FRAME_TEXT_MAX + 1];

    if (template->is_repair) {
        template->fault = COH_TEMPLATE_UNLOADABLE;
        return;
    }
    take_text(message, 0, text, sizeof(text));
    coh_reload_failed(template->generation, text);
}

static void
on_forked(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_forked *frame = message->data;
    int pidfd = message->fd_count > 0 ? message->fds[0] : -1;

    if ((frame->pid > 0) != (message->fd_count + message->lost_fd_count == 1)) {
        coh_channel_reject(channel, "has not what belongs to it");
        return;
    }
    if (message->fd_count > 0) {
        message->fds[0] = -1;
    }
    coh_template_answered(channel->user, frame->worker_id, frame->pid, pidfd);
}

static void
on_reopen_again(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_reopening_template(channel->user);
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_template_lose(channel->user);
}

#define TEXT_FRAME(head) sizeof(struct head) + COH_FRAME_TEXT_MAX

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
        .type = COH_FRAME_LOG,
        .name = "log",
        .states = LOADING | LOADED,
        .min_size = sizeof(struct coh_frame_log),
        .max_size = TEXT_FRAME(coh_frame_log),
        .handle = on_log,
    },
    {
        .type = COH_FRAME_SETTINGS,
        .name = "settings",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_settings),
        .max_size = sizeof(struct coh_frame_settings) + COH_FRAME_PATH_MAX,
        .handle = on_settings,
    },
    {
        .type = COH_FRAME_ADMIN,
        .name = "admin",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_admin),
        .max_size = sizeof(struct coh_frame_admin),
        .handle = on_admin,
    },
    {
        .type = COH_FRAME_LISTEN,
        .name = "listen",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_listen),
        .max_size = sizeof(struct coh_frame_listen),
        .handle = on_listen,
    },
    {
        .type = COH_FRAME_GROUP,
        .name = "group",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_group) + 1,
        .max_size = sizeof(struct coh_frame_group) + COH_FRAME_GROUP_TEXTS_MAX,
        .handle = on_group,
    },
    {
        .type = COH_FRAME_FILE,
        .name = "file",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_file) + 1,
        .max_size = sizeof(struct coh_frame_file) + COH_FRAME_PATH_MAX,
        .handle = on_file,
    },
    {
        .type = COH_FRAME_COUNTER,
        .name = "counter",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_counter),
        .max_size = TEXT_FRAME(coh_frame_counter),
        .handle = on_counter,
    },
    {
        .type = COH_FRAME_SECRET,
        .name = "secret",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_secret) + 1,
        .max_size = sizeof(struct coh_frame_secret) + COHORT_SECRET_NAME_MAX,
        .handle = on_secret,
    },
    {
        .type = COH_FRAME_LOADED,
        .name = "loaded",
        .states = LOADING,
        .min_size = sizeof(struct coh_frame_loaded),
        .max_size = sizeof(struct coh_frame_loaded),
        .max_fds = 1,
        .handle = on_loaded,
    },
    {
        .type = COH_FRAME_FAILED,
        .name = "failed",
        .states = LOADING | LOADED,
        .max_size = COH_FRAME_TEXT_MAX,
        .handle = on_failed,
    },
    {
        .type = COH_FRAME_FORKED,
        .name = "forked",
        .states = LOADED,
        .min_size = sizeof(struct coh_frame_forked),
        .max_size = sizeof(struct coh_frame_forked),
        .max_fds = 1,
        .may_lose_fds = true, /* there are other ways to it */
        .handle = on_forked,
    },
    {
        .type = COH_FRAME_REOPEN_AGAIN,
        .name = "reopen_again",
        .states = LOADED,
        .handle = on_reopen_again,
    },
};

const struct coh_channel_role coh_declared_role = {
    .peer = "template",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};
