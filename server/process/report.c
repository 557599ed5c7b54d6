/* A load, put into frames. */
#include "server/process/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/accept/policy.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "server/process/admin_settings.h"
#include "server/process/dump.h"
#include "server/process/frames.h"
#include "server/process/load.h"
#include "server/process/report_group.h"

/* The head of a frame and the text behind it. */
static int
send_with_text(
    struct coh_channel *channel, enum coh_frame_type type, const void *head,
    size_t head_size, struct cohort_str text)
{
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = head_size},
        {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.size},
    };

    return coh_channel_sendv(channel, type, parts, 2, NULL, 0);
}

__attribute__((format(printf, 5, 0))) static void
send_formatted(
    struct coh_channel *channel, enum coh_frame_type type, const void *head,
    size_t head_size, const char *format, va_list arguments)
{
    char text[COH_FRAME_TEXT_MAX];
    int size = vsnprintf(text, sizeof(text), format, arguments);

    if (size >= (int)sizeof(text)) {
        size = (int)sizeof(text) - 1;
    }
    send_with_text(
        channel, type, head, head_size, cohort_str_n(text, (size_t)size));
}

void
coh_report_text(
    struct coh_channel *channel, bool is_error, const char *format, ...)
{
    struct coh_frame_log head = {
        .level = is_error ? COHORT_LOG_EMERG : COHORT_LOG_WARN};
    va_list arguments;

    va_start(arguments, format);
    send_formatted(
        channel, COH_FRAME_LOG, &head, sizeof(head), format, arguments);
    va_end(arguments);
}

void
coh_report_failure(struct coh_channel *channel, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    send_formatted(channel, COH_FRAME_FAILED, NULL, 0, format, arguments);
    va_end(arguments);
}

/* --- the load ------------------------------------------------------------- */

/* The kernel would not open it, either. */
static int
refuse_path(struct coh_channel *channel, const char *what, size_t size)
{
    coh_report_text(
        channel, true, "the path of %s has %zu bytes; %d are possible", what,
        size, COH_FRAME_PATH_MAX);
    return -ENAMETOOLONG;
}

static uint32_t
file_index(const struct cohort_load *load, const struct coh_log_target *target)
{
    for (size_t i = 0; i < load->file_count; i++) {
        if (&load->files[i].target == target) {
            return target->fd == STDERR_FILENO ? COH_FRAME_STDERR : (uint32_t)i;
        }
    }
    return COH_FRAME_STDERR;
}

/* With worker groups and no address the built-in service has nothing to do. */
static bool
wants_workers(const struct cohort_load *load)
{
    return load->listener_count > 0 || load->groups.count == 0;
}

static int
report_settings(struct coh_channel *channel, const struct cohort_load *load)
{
    const struct coh_settings *settings = load->settings;
    const struct cohort_log *log = &settings->log;
    struct coh_frame_settings frame = {
        .worker_processes =
            wants_workers(load) ? settings->worker_processes : 0,
        .worker_processes_max = settings->worker_processes_max,
        .reload_timeout_ms = settings->reload_timeout_ms,
        .shutdown_timeout_ms = settings->shutdown_timeout_ms,
        .policy =
            (uint32_t)coh_policy_of((enum cohort_policy)settings->policy)->id,
        .takes_messages = load->service->message != NULL,
        .sandbox = (uint32_t)settings->sandbox,
        .is_daemon = settings->is_daemon,
        .log_count = (uint32_t)log->target_count,
        .upkeep = *coh_upkeep_of(load->conf.settings),
        .transition = *coh_transition_of(load->conf.settings),
    };

    if (settings->pid_path.size > COH_FRAME_PATH_MAX) {
        return refuse_path(channel, "the pid file", settings->pid_path.size);
    }
    for (size_t i = 0; i < log->target_count; i++) {
        frame.logs[i].file = file_index(load, log->targets[i]);
        frame.logs[i].level = (uint32_t)log->levels[i];
    }
    return send_with_text(
        channel, COH_FRAME_SETTINGS, &frame, sizeof(frame), settings->pid_path);
}

static void
describe_identity(
    const struct coh_identity *identity, struct coh_frame_admin *frame)
{
    frame->has_identity = identity->is_set;
    frame->user = identity->user;
    frame->group = identity->group;
    frame->group_count = (uint32_t)identity->group_count;
    for (size_t i = 0; i < identity->group_count; i++) {
        frame->groups[i] = identity->groups[i];
    }
}

/* The admin service serves whatever generation there is, but each one brings
   its settings. */
static int
report_admin(struct coh_channel *channel, const struct cohort_load *load)
{
    const struct coh_admin_settings *settings =
        coh_admin_settings_of(load->conf.settings);
    struct coh_frame_admin frame;

    memset(&frame, 0, sizeof(frame)); /* padding too: it leaves the process */
    frame.count = (uint32_t)settings->count;
    describe_identity(&load->settings->identity, &frame);
    for (size_t i = 0; i < settings->count; i++) {
        const struct coh_admin_address *address = &settings->addresses[i];
        struct coh_frame_admin_address *out = &frame.addresses[i];

        memcpy(&out->address, &address->address.u, address->address.size);
        out->address_size = address->address.size;
        out->is_read_only = address->is_read_only;
        out->is_optional = address->is_default;
        out->mode = address->mode;
        out->owner = address->owner;
        out->group = address->group;
    }
    return coh_channel_send(channel, COH_FRAME_ADMIN, &frame, sizeof(frame));
}

static int
report_listener(
    struct coh_channel *channel, uint32_t index,
    const struct cohort_listener *listener)
{
    struct coh_frame_listen frame;

    memset(&frame, 0, sizeof(frame)); /* padding too: it leaves the process */
    frame.index = index;
    frame.address_size = listener->address.size;
    memcpy(&frame.address, &listener->address.u, listener->address.size);
    frame.options = listener->options;
    return coh_channel_send(channel, COH_FRAME_LISTEN, &frame, sizeof(frame));
}

static int
report_file(
    struct coh_channel *channel, uint32_t index, const struct cohort_file *file)
{
    struct coh_frame_file frame = {
        .index = index, .is_optional = file->is_optional};

    if (strlen(file->path) > COH_FRAME_PATH_MAX) {
        return refuse_path(channel, "a log file", strlen(file->path));
    }
    return send_with_text(
        channel, COH_FRAME_FILE, &frame, sizeof(frame), cohort_str(file->path));
}

static int
report_counter(
    struct coh_channel *channel, uint32_t index,
    const struct cohort_counter *counter)
{
    struct cohort_str name = cohort_str(counter->name);
    struct cohort_str help = cohort_str(counter->help);
    struct cohort_str labels = cohort_str(counter->labels);
    struct coh_frame_counter frame = {
        .index = index,
        .kind = (uint32_t)counter->kind,
        .name_size = (uint16_t)name.size,
        .help_size = (uint16_t)help.size,
        .labels_size = (uint16_t)labels.size,
        .health = (uint16_t)counter->health,
    };
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_base = (void *)(uintptr_t)name.data, .iov_len = name.size},
        {.iov_base = (void *)(uintptr_t)help.data, .iov_len = help.size},
        {.iov_base = (void *)(uintptr_t)labels.data, .iov_len = labels.size},
    };

    return coh_channel_sendv(channel, COH_FRAME_COUNTER, parts, 4, NULL, 0);
}

static int
report_secret(
    struct coh_channel *channel, uint32_t index,
    const struct coh_load_secret *secret)
{
    struct coh_frame_secret frame = {
        .index = index,
        .size = (uint32_t)secret->size,
        .rotate_s = secret->rotate_s,
    };

    return send_with_text(
        channel, COH_FRAME_SECRET, &frame, sizeof(frame),
        cohort_str(secret->name));
}

/* FNV-1a: it tells changed files from unchanged ones, in different processes;
   nobody gains by a collision. */
static uint64_t
digest(uint64_t before, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        before = (before ^ bytes[i]) * 0x100000001b3;
    }
    return before;
}

static int
report_loaded(struct coh_channel *channel, const struct cohort_load *load)
{
    struct coh_frame_loaded frame = {.digest = 0xcbf29ce484222325};
    int text;
    int result;

    for (size_t i = 0; i < load->conf.file_count; i++) {
        const struct coh_conf_file *file = &load->conf.files[i];

        frame.digest = digest(frame.digest, file->path, strlen(file->path) + 1);
        frame.digest =
            digest(frame.digest, file->content.data, file->content.size);
    }
    text = coh_dump_to_memory(load);
    if (text < 0) {
        coh_report_text(
            channel, false,
            "cannot keep the configuration for \"cohort ctl config\": %s",
            strerror(-text));
    }
    result = coh_channel_send_fds(
        channel, COH_FRAME_LOADED, &frame, sizeof(frame), &text, text >= 0);
    if (text >= 0) {
        close(text);
    }
    return result;
}

int
coh_report_load(struct coh_channel *channel, const struct cohort_load *load)
{
    int result = report_settings(channel, load);

    if (result == 0) {
        result = report_admin(channel, load);
    }
    if (result == 0) {
        result = coh_report_groups(channel, load);
    }
    for (uint32_t i = 0; result == 0 && i < load->listener_count; i++) {
        result = report_listener(channel, i, &load->listeners[i]);
    }
    for (uint32_t i = 0; result == 0 && i < load->file_count; i++) {
        if (load->files[i].target.fd < 0) {
            result = report_file(channel, i, &load->files[i]);
        }
    }
    for (uint32_t i = 0; result == 0 && i < load->counter_count; i++) {
        result = report_counter(channel, i, &load->counters[i]);
    }
    for (uint32_t i = 0; result == 0 && i < load->secret_count; i++) {
        result = report_secret(channel, i, &load->secrets[i]);
    }
    return result < 0 ? result : report_loaded(channel, load);
}
