/* Opening log files anew. */
#include "server/primary/reopening.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/generation.h"

/* --- opening -------------------------------------------------------------- */

/* Put a file where another one was open. Standard error stays what it is: a
   target that had no better place until now gets a descriptor of its own. */
static void
exchange(struct coh_log_target *target, int fd)
{
    if (target->fd > STDERR_FILENO) {
        (void)coh_log_exchange(target, fd); /* no good descriptor fails */
    } else {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        if (own >= 0) {
            target->fd = own;
            target->is_cut = false;
        }
    }
}

/* The primary's own log, or what a generation that does not serve yet keeps to
   make it of. */
static void
reopen_log(struct coh_generation *generation, size_t index, int fd)
{
    struct coh_primary *primary = generation->primary;
    bool is_owner = primary->log_owner == generation->number;

    for (size_t i = 0; i < generation->settings.log_count; i++) {
        if (generation->settings.logs[i].file != index) {
            continue;
        }
        if (is_owner) {
            exchange(&primary->log_targets[i], fd);
        } else if (generation->log_fds[i] >= 0) {
            struct coh_log_target kept = {.fd = generation->log_fds[i]};

            exchange(&kept, fd);
            generation->log_fds[i] = kept.fd;
        }
    }
}

/* Open anew what can be; the rest stays as it is. How many that are. */
static unsigned
open_anew(
    struct coh_generation *generation, struct coh_frame_reopen *frame, int *fds)
{
    struct coh_primary *primary = generation->primary;
    unsigned failed = 0;

    for (size_t i = 0; i < generation->file_count; i++) {
        int fd = generation->files[i] ? coh_log_open(generation->files[i]) : -1;

        if (fd >= 0) {
            reopen_log(generation, i, fd);
            fds[frame->count] = fd;
            frame->files[frame->count++] = (uint32_t)i;
        } else if (generation->files[i]) {
            failed++;
            cohort_error(
                &primary->log,
                "cannot open the log file %s anew: %s; going on with the old "
                "one",
                generation->files[i], strerror(-fd));
        }
    }
    return failed;
}

/* --- handing out ---------------------------------------------------------- */

/* One that has just ended writes no more. */
static bool
is_told(int result)
{
    return result >= 0 || result == -EPIPE;
}

static bool
tell_template(
    struct coh_template *template, const struct coh_frame_reopen *frame,
    const int *fds)
{
    const struct coh_generation *generation = template->generation;
    int result = coh_channel_send_fds(
        &template->channel, COH_FRAME_REOPEN, frame, sizeof(*frame), fds,
        frame->count);

    if (is_told(result)) {
        return true;
    }
    cohort_error(
        &generation->primary->log,
        "cannot tell the template of generation %" PRIu64
        " of the new log files: %s; workers that it forks write to the old "
        "ones",
        generation->number, strerror(-result));
    return false;
}

static bool
tell_worker(
    struct coh_worker *worker, const struct coh_frame_reopen *frame,
    const int *fds)
{
    int result = coh_channel_send_fds(
        &worker->channel, COH_FRAME_REOPEN, frame, sizeof(*frame), fds,
        frame->count);

    if (is_told(result)) {
        return true;
    }
    cohort_error(
        &worker->primary->log,
        "cannot tell worker %" PRIu64
        " (process %d) of the new log files: %s; it goes on with the old ones",
        worker->id, (int)worker->child.pid, strerror(-result));
    return false;
}

static unsigned
reopen_generation(struct coh_generation *generation)
{
    struct coh_frame_reopen frame = {.count = 0};
    struct coh_worker *worker;
    int fds[COH_FDPASS_MAX];
    unsigned failed = open_anew(generation, &frame, fds);

    if (generation->template &&
        !tell_template(generation->template, &frame, fds)) {
        failed++;
    }
    TAILQ_FOREACH (worker, &generation->primary->workers, link) {
        if (worker->generation == generation &&
            !tell_worker(worker, &frame, fds)) {
            failed++;
        }
    }
    coh_fds_close(fds, frame.count);
    return failed;
}

unsigned
coh_reopening_all(struct coh_primary *primary)
{
    struct coh_generation *generation;
    unsigned failed = 0;

    TAILQ_FOREACH (generation, &primary->generations, link) {
        failed += reopen_generation(generation);
    }
    return failed;
}

void
coh_reopening_worker(struct coh_worker *worker)
{
    struct coh_frame_reopen frame = {.count = 0};
    int fds[COH_FDPASS_MAX];

    (void)open_anew(worker->generation, &frame, fds);
    (void)tell_worker(worker, &frame, fds);
    coh_fds_close(fds, frame.count);
}

void
coh_reopening_template(struct coh_template *template)
{
    if (template->generation->template == template) {
        (void)reopen_generation(template->generation);
    }
}
