/* Sockets and files are opened here, with the primary's rights, and nowhere
   else. */
#include "server/primary/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/admin_sockets.h"
#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/scale.h"

/* Finishing workers of old generations keep their slots. */
#define SLOTS_PER_WORKER (COH_OLD_GENERATIONS_MAX + 2)

/* --- workers' places ------------------------------------------------------ */

/* The first generation decides for how many workers there is room. */
static int
make_slots(struct coh_primary *primary, const struct coh_generation *generation)
{
    if (primary->slots.memory) {
        return 0;
    }
    return coh_slots_init(
        &primary->slots,
        SLOTS_PER_WORKER * generation->settings.worker_processes_max);
}

static int
make_places(struct coh_generation *generation, char *why)
{
    struct coh_primary *primary = generation->primary;
    int result = make_slots(primary, generation);
    unsigned count;

    if (result < 0) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot make the memory that workers share: %s", strerror(-result));
        return result;
    }
    count = primary->slots.count / SLOTS_PER_WORKER;
    if (generation->target > count) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "%u workers are more than the %u that room was reserved for at "
            "start: restart to raise worker_processes_max",
            generation->target, count);
        return -ENOSPC;
    }
    generation->places = calloc(count, sizeof(*generation->places));
    if (!generation->places) {
        snprintf(why, COH_LISTENER_WHY_MAX, "out of memory");
        return -ENOMEM;
    }
    generation->place_count = count;
    coh_scale_init(generation);
    return 0;
}

/* --- sockets -------------------------------------------------------------- */

static int
open_listener(struct coh_generation *generation, size_t index, char *why)
{
    const struct coh_listen_request *request = &generation->requests[index];
    struct coh_listener *listener;
    int result = coh_listener_open(
        &generation->primary->listeners, request, &listener, why);

    if (result < 0) {
        return result;
    }
    return coh_acceptor_init(
        &generation->acceptors[index], request->options.policy, listener,
        &generation->rotation, (unsigned)index, generation->target, why);
}

static int
open_listeners(struct coh_generation *generation, char *why)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < generation->request_count; i++) {
        generation->cover[i] = coh_listen_cover(
            generation->requests, generation->request_count, i);
        generation->acceptor_count = i + 1;
        if (generation->cover[i] == i) {
            result = open_listener(generation, i, why);
        }
    }
    return result;
}

/* --- log files ------------------------------------------------------------ */

/* The primary keeps a copy of the files that are its own log. */
static void
keep_for_log(struct coh_generation *generation, size_t index, int fd)
{
    for (size_t i = 0; i < generation->settings.log_count; i++) {
        if (generation->settings.logs[i].file == index &&
            generation->primary->log_owner != generation->number) {
            generation->log_fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        }
    }
}

void
coh_opening_adopt_log(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;

    if (primary->log_owner == generation->number) {
        return;
    }
    primary->log_owner = generation->number;
    coh_primary_close_log(primary);
    for (size_t i = 0; i < generation->settings.log_count; i++) {
        struct coh_log_target *target = &primary->log_targets[i];
        int fd = generation->log_fds[i];

        generation->log_fds[i] = -1;
        /* None: it is standard error, or its file could not be opened. */
        *target = (struct coh_log_target){.fd = fd < 0 ? STDERR_FILENO : fd};
        coh_log_add_target(
            &primary->log, target,
            (enum cohort_log_level)generation->settings.logs[i].level);
    }
}

static int
send_file(struct coh_template *template, size_t index, char *why)
{
    const struct coh_generation *generation = template->generation;
    struct coh_frame_answer answer = {.index = (uint32_t)index};
    int fd = coh_log_open(generation->files[index]);
    int result;

    if (fd < 0 && !generation->is_optional[index]) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot open the log file %s: %s; create its folder, or name "
            "another file",
            generation->files[index], strerror(-fd));
        return fd;
    }
    if (fd < 0) {
        answer.result = fd;
        return coh_channel_send(
            &template->channel, COH_FRAME_FILE_OPEN, &answer, sizeof(answer));
    }
    keep_for_log(template->generation, index, fd);
    result = coh_channel_send_fds(
        &template->channel, COH_FRAME_FILE_OPEN, &answer, sizeof(answer), &fd,
        1);
    close(fd);
    return result;
}

int
coh_opening_send_files(
    struct coh_template *template, char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_generation *generation = template->generation;
    int result = 0;

    snprintf(why, COH_LISTENER_WHY_MAX, "its template takes no log files");
    for (size_t i = 0; result == 0 && i < generation->file_count; i++) {
        if (generation->files[i]) {
            result = send_file(template, i, why);
        }
    }
    return result;
}

/* Log files first: whatever else is wrong at start is told there. Who starts
   the same server twice is told so, and nothing else. */
static int
begin(struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX])
{
    struct coh_primary *primary = generation->primary;
    int result = coh_opening_send_files(generation->template, why);
    int other = 0;

    if (result == 0 && !primary->current) {
        coh_opening_adopt_log(generation);
    }
    if (primary->state == COH_PRIMARY_STARTING) {
        other = coh_pidfile_check(
            generation->pid_path, primary->upgrade.other, why);
    }
    return other < 0 ? other : result;
}

int
coh_opening_open(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX])
{
    int result = begin(generation, why);

    if (result == 0) {
        result = make_places(generation, why);
    }
    if (result == 0) {
        result = open_listeners(generation, why);
    }
    if (result == 0) {
        result = coh_admin_sockets_open(generation, why);
    }
    return result;
}

static void
move_pidfile(struct coh_primary *primary, const char *path)
{
    struct coh_pidfile moved;
    const char *before = primary->pidfile.path;
    char why[COH_PIDFILE_WHY_MAX];

    if (strcmp(before ? before : "", path) == 0 ||
        !primary->upgrade.has_names) {
        return;
    }
    if (coh_pidfile_write(&moved, path, 0, why) < 0) {
        cohort_error(&primary->log, "%s", why);
        return;
    }
    coh_pidfile_remove(&primary->pidfile);
    primary->pidfile = moved;
}

int
coh_opening_write_pid(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX])
{
    return coh_pidfile_write(
        &generation->primary->pidfile, generation->pid_path, 0, why);
}

void
coh_opening_commit(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        struct coh_acceptor *acceptor = &generation->acceptors[i];

        if (acceptor->listener) {
            coh_listener_apply(
                acceptor->listener, &generation->requests[i].options);
            coh_acceptor_start(acceptor);
        }
    }
    coh_secrets_commit(generation);
    move_pidfile(generation->primary, generation->pid_path);
    coh_helper_commit(generation->primary->helper, generation);
}
