/* Loading a generation: the configuration is applied, then the service says
   what it needs; both only write down here what is to be opened. */
#include "server/process/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "server/accept/listener.h"
#include "server/accept/policy.h"
#include "server/modules.h"
#include "server/process/counted.h"
#include "server/process/transition.h"

static void
on_conf_message(void *user, bool is_error, const char *text)
{
    struct cohort_load *load = user;

    load->error_count += is_error ? 1 : 0;
    load->tell(load->user, is_error, text);
}

static int
read_configuration(struct cohort_load *load)
{
    const struct coh_options *from = load->options;
    struct coh_conf_options options = {
        .file = from->file,
        .text = from->text,
        .text_name = from->text_name,
        .prefix = from->prefix,
        .globals = cohort_str(from->globals),
        .modules = coh_modules_list(load->arena, load->service),
        .tell = on_conf_message,
        .user = load,
    };
    int result = coh_conf_load(&options, load, &load->conf);

    if (result == 0) {
        load->settings = coh_settings_of(load->conf.settings);
    }
    return result;
}

/* A file that somebody is just writing is empty, or ends early: a generation
   that serves nothing must not take over from one that does. */
static int
check_purpose(struct cohort_load *load)
{
    if (load->options->file == NULL || load->listener_count > 0 ||
        load->groups.count > 0) {
        return 0;
    }
    return cohort_load_error(
        load,
        "%s serves nothing: it has no \"server\" in an \"http\" block and no "
        "\"worker_group\"; is it complete?",
        load->options->file);
}

/* Behind those of the service, which has left room for them. */
static void
declare_own_counters(struct cohort_load *load)
{
    memcpy(
        &load->counters[load->counter_count], coh_counted, sizeof(coh_counted));
    load->first_counted = load->counter_count;
    load->counter_count += COH_COUNTED_COUNT;
}

int
coh_load_run(
    struct cohort_load *load, const struct coh_options *options,
    const struct cohort_service *service, bool settings_only)
{
    int result;

    load->options = options;
    load->service = service;
    load->arena = coh_arena_new(4096);
    result = read_configuration(load);
    if (result < 0 || settings_only) {
        return result;
    }
    result =
        service->load(load, load->conf.settings, service->user, &load->state);
    load->has_state = result == 0;
    declare_own_counters(load);
    if (result < 0 && load->error_count == 0) {
        cohort_load_error(
            load, "the %s service cannot load: %s", service->name,
            strerror(-result));
    }
    if (result == 0 && load->error_count == 0) {
        result = check_purpose(load);
    }
    if (result == 0 && load->error_count == 0) {
        coh_transition_check(load);
    }
    return load->error_count > 0 || result < 0 ? -EINVAL : 0;
}

void
coh_load_free(struct cohort_load *load)
{
    for (size_t i = 0; i < load->secret_count; i++) {
        coh_secret_unmap(load->secrets[i].area);
        load->secrets[i].area = NULL;
    }
    if (load->has_state && load->service->unload) {
        load->service->unload(load->state);
    }
    coh_conf_free(&load->conf);
    coh_arena_free(load->arena);
}

/* --- what services say ---------------------------------------------------- */

int
cohort_load_error(struct cohort_load *load, const char *format, ...)
{
    char text[COH_LOG_LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    load->error_count++;
    load->tell(load->user, true, text);
    return -EINVAL;
}

struct cohort_log *
cohort_load_log(struct cohort_load *load)
{
    (void)load;
    return coh_log_stderr(); /* the generation's own are not open yet */
}

/* "listen ... policy=", else scheduling_policy, which holds COHORT_SCHED_POLICY
   where it was not set, else round_robin. */
static void
resolve_options(
    const struct cohort_load *load, struct cohort_listen_options *options)
{
    if (options->policy == COHORT_POLICY_DEFAULT) {
        options->policy = (enum cohort_policy)load->settings->policy;
    }
    options->policy = coh_policy_of(options->policy)->id;
    if (options->backlog == 0) {
        options->backlog = COH_LISTENER_BACKLOG;
    }
}

int
cohort_load_listen(
    struct cohort_load *load, const struct sockaddr *address,
    socklen_t address_size, const struct cohort_listen_options *options,
    void *user)
{
    struct cohort_listener *listener = &load->listeners[load->listener_count];

    if (load->listener_count == COH_LOAD_LISTENERS_MAX) {
        return cohort_load_error(
            load, "more than %d addresses to listen on",
            COH_LOAD_LISTENERS_MAX);
    }
    if (address_size > sizeof(listener->address.u)) {
        return cohort_load_error(
            load, "an address of %u bytes to listen on",
            (unsigned)address_size);
    }
    *listener = (struct cohort_listener){.user = user};
    memcpy(&listener->address.u, address, address_size);
    listener->address.size = address_size;
    if (options) {
        listener->options = *options;
    }
    resolve_options(load, &listener->options);
    load->listener_count++;
    return 0;
}

int
coh_load_file(
    struct cohort_load *load, const char *path, bool is_optional,
    struct cohort_file **file)
{
    struct cohort_file *made = &load->files[load->file_count];

    for (size_t i = 0; i < load->file_count; i++) {
        if (strcmp(load->files[i].path, path) == 0) {
            load->files[i].is_optional &= is_optional;
            *file = &load->files[i];
            return 0;
        }
    }
    if (load->file_count == COH_LOAD_FILES_MAX) {
        return cohort_load_error(
            load, "more than %d log files", COH_LOAD_FILES_MAX);
    }
    made->path = coh_arena_strdup(load->arena, path);
    made->is_optional = is_optional;
    made->target.fd = strcmp(path, "stderr") == 0 ? STDERR_FILENO : -1;
    load->file_count++;
    *file = made;
    return 0;
}

int
cohort_load_file(
    struct cohort_load *load, const char *path, struct cohort_file **file)
{
    return coh_load_file(load, path, false, file);
}

void
cohort_load_path(struct cohort_load *load, struct cohort_str path)
{
    struct coh_load_path *made = coh_arena_alloc(load->arena, sizeof(*made));

    made->text = coh_arena_str(load->arena, path).data;
    made->next = load->paths;
    load->paths = made;
}

int
cohort_file_fd(const struct cohort_file *file)
{
    return file->target.fd;
}

int
cohort_load_counters(
    struct cohort_load *load, const struct cohort_counter *counters,
    size_t count, size_t *first)
{
    size_t limit = COH_SLOT_COUNTERS_MAX - COH_COUNTED_COUNT;

    if (count > limit - load->counter_count) {
        return -ENOSPC;
    }
    memcpy(
        &load->counters[load->counter_count], counters,
        count * sizeof(*counters));
    *first = load->counter_count;
    load->counter_count += count;
    return 0;
}

int
cohort_load_secret(
    struct cohort_load *load, const char *name, size_t size, uint64_t rotate_s,
    size_t *index)
{
    struct coh_load_secret *secret = &load->secrets[load->secret_count];

    if (!name[0] || strlen(name) > COHORT_SECRET_NAME_MAX || size == 0 ||
        size > COHORT_SECRET_SIZE_MAX) {
        return cohort_load_error(
            load,
            "the secret \"%s\" of %zu bytes cannot be: names have 1 to %d "
            "bytes, secrets 1 to %d",
            name, size, COHORT_SECRET_NAME_MAX, COHORT_SECRET_SIZE_MAX);
    }
    if (load->secret_count == COH_LOAD_SECRETS_MAX) {
        return -ENOSPC;
    }
    secret->name = coh_arena_strdup(load->arena, name);
    secret->size = size;
    secret->rotate_s = rotate_s ? rotate_s : COH_SECRET_ROTATE_S;
    *index = load->secret_count++;
    return 0;
}

/* The number stays, so whoever keeps it writes to the new file. */
static void
exchange(struct cohort_file *file, int fd)
{
    int result;

    if (file->target.fd < 0) {
        file->target.fd = fd;
        return;
    }
    result = coh_log_exchange(&file->target, fd);
    if (result < 0) {
        cohort_error(
            coh_log_stderr(), "cannot exchange the log file %s: %s", file->path,
            strerror(-result));
    }
    close(fd);
}

void
coh_load_reopen(
    struct cohort_load *load, const uint32_t *files, int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i] < load->file_count) {
            exchange(&load->files[files[i]], fds[i]);
            fds[i] = -1;
        }
    }
}

void
coh_load_tell_stderr(void *user, bool is_error, const char *text)
{
    (void)user;
    fprintf(stderr, "cohort: [%s] %s\n", is_error ? "emerg" : "warn", text);
}
