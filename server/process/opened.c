/* Opening without a primary. */
#include "server/process/opened.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A log that may be missing goes to standard error instead. */
static void
do_without(struct cohort_load *load, struct cohort_file *file, int error)
{
    char text[COH_LOG_LINE_MAX];

    snprintf(
        text, sizeof(text),
        "cannot open the log file %s: %s; standard error takes its place",
        file->path, strerror(error));
    load->tell(load->user, false, text);
    file->target.fd = dup(STDERR_FILENO);
}

static int
open_file(struct cohort_load *load, struct cohort_file *file)
{
    int fd = coh_log_open(file->path);

    if (fd >= 0) {
        file->target.fd = fd;
        return 0;
    }
    if (file->is_optional) {
        do_without(load, file, -fd);
        return 0;
    }
    return cohort_load_error(
        load,
        "cannot open the log file %s: %s; create its folder, or name another "
        "file",
        file->path, strerror(-fd));
}

static int
open_files(struct cohort_load *load)
{
    int result = 0;

    for (size_t i = 0; i < load->file_count; i++) {
        if (load->files[i].target.fd < 0 &&
            open_file(load, &load->files[i]) < 0) {
            result = -EINVAL;
        }
    }
    return result;
}

static int
open_listener(
    struct coh_opened *opened, struct cohort_load *load,
    const struct coh_listen_request *request, size_t index, bool is_trial)
{
    char why[COH_LISTENER_WHY_MAX];
    int result;

    if (is_trial && request->address.u.any.sa_family == AF_UNIX) {
        return 0;
    }
    result = coh_listener_open(
        &opened->set, request, &opened->listeners[index], why);
    if (result == 0) {
        coh_listener_apply(opened->listeners[index], &request->options);
        return 0;
    }
    if (is_trial && result == -EADDRINUSE) {
        return 0;
    }
    return cohort_load_error(load, "%s", why);
}

static int
open_listeners(
    struct coh_opened *opened, struct cohort_load *load, bool is_trial)
{
    struct coh_listen_request *requests = coh_arena_alloc(
        load->arena, (load->listener_count + 1) * sizeof(*requests));
    int result = 0;

    for (size_t i = 0; i < load->listener_count; i++) {
        requests[i].address = load->listeners[i].address;
        requests[i].options = load->listeners[i].options;
    }
    for (size_t i = 0; i < load->listener_count; i++) {
        if (coh_listen_cover(requests, load->listener_count, i) == i &&
            open_listener(opened, load, &requests[i], i, is_trial) < 0) {
            result = -EINVAL;
        }
    }
    return result;
}

int
coh_opened_init(
    struct coh_opened *opened, struct cohort_load *load, bool is_trial)
{
    int result;

    *opened = (struct coh_opened){.is_made = true};
    coh_listeners_init(&opened->set, coh_log_stderr());
    result = open_files(load);
    if (open_listeners(opened, load, is_trial) < 0) {
        result = -EINVAL;
    }
    return result;
}

void
coh_opened_fini(struct coh_opened *opened, struct cohort_load *load)
{
    if (!opened->is_made) {
        return;
    }
    coh_listeners_fini(&opened->set, true);
    for (size_t i = 0; i < load->file_count; i++) {
        if (load->files[i].target.fd > STDERR_FILENO) {
            close(load->files[i].target.fd);
        }
    }
}

size_t
coh_opened_files_anew(
    const struct cohort_load *load, struct cohort_log *log, uint32_t *files,
    int *fds)
{
    size_t count = 0;

    for (size_t i = 0; i < load->file_count; i++) {
        const struct cohort_file *file = &load->files[i];
        int fd;

        if (file->target.fd == STDERR_FILENO) {
            continue;
        }
        fd = coh_log_open(file->path);
        if (fd >= 0) {
            files[count] = (uint32_t)i;
            fds[count++] = fd;
        } else {
            cohort_error(
                log,
                "cannot open the log file %s anew: %s; going on with the old "
                "one",
                file->path, strerror(-fd));
        }
    }
    return count;
}
