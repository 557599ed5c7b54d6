/* Workers that templates are asked for, one after the other, and what they
   answer. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/reload.h"
#include "server/primary/template.h"

#define RETRY_MS 1000 /* when one cannot be asked for now */

static void
tell_failure(
    const struct coh_generation *generation, uint64_t worker_id,
    const char *what, int error)
{
    char text[128];
    struct coh_event event = {
        .kind = COH_EVENT_ERROR,
        .generation = generation->number,
        .worker_id = worker_id,
        .group = COH_GROUP_MAIN,
        .text = text,
    };

    snprintf(text, sizeof(text), "%s: %s", what, strerror(error));
    coh_event_tell(&generation->primary->readers, &event);
}

/* --- asking --------------------------------------------------------------- */

/* In one piece, which goes out at once without a descriptor being duplicated:
   there may be none left. */
static int
send_request(struct coh_template *template, struct coh_worker *worker)
{
    struct coh_generation *generation = template->generation;
    struct coh_frame_fork frame = {
        .worker_id = worker->id,
        .generation = generation->number,
        .slot = worker->slot,
        .place = worker->place,
    };
    const struct coh_place *place = &generation->places[worker->place];
    unsigned char request[sizeof(frame) + COH_ENVIRONMENT_MAX];
    int fds[] = {
        worker->far_end, generation->primary->slots.fd, worker->speaker};

    memcpy(request, &frame, sizeof(frame));
    if (place->environment.size > 0) {
        memcpy(
            request + sizeof(frame), place->environment.data,
            place->environment.size);
    }
    return coh_channel_send_fds(
        &template->channel, COH_FRAME_FORK, request,
        sizeof(frame) + place->environment.size, fds, 3);
}

/* A lack of descriptors or memory here says nothing of the template. */
static bool
is_passing(int result)
{
    return result == -EMFILE || result == -ENFILE || result == -ENOMEM ||
        result == -ENOBUFS || result == -EAGAIN;
}

/* The worker waits in the queue meanwhile. */
static void
put_off(struct coh_template *template, uint64_t worker_id, int error)
{
    if (template->put_off == 0) {
        tell_failure(
            template->generation, worker_id,
            "cannot ask the template for a worker, trying again each second",
            error);
    }
    template->put_off = error;
    coh_event_add_ms(&template->retry, RETRY_MS);
}

void
coh_template_on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_template *template = user;
    struct coh_generation *generation = template->generation;
    char why[128];

    (void)fd;
    (void)what;
    coh_template_ask(template);
    if (template->put_off != 0 && generation->state < COH_GENERATION_SERVING) {
        snprintf(
            why, sizeof(why), "its template cannot be asked for a worker: %s",
            strerror(template->put_off));
        coh_reload_failed(generation, why); /* last: it may end us all */
    }
}

void
coh_template_ask(struct coh_template *template)
{
    struct coh_generation *generation = template->generation;
    struct coh_worker *worker = TAILQ_FIRST(&generation->fork_queue);
    int result;

    if (!worker || template->asked ||
        event_pending(&template->retry, EV_TIMEOUT, NULL)) {
        return;
    }
    result = send_request(template, worker);
    if (is_passing(result)) {
        put_off(template, worker->id, -result);
        return;
    }
    if (result < 0) {
        cohort_error(
            &generation->primary->log,
            "ending the template of generation %" PRIu64
            ", which takes no requests: %s",
            generation->number, strerror(-result));
        coh_child_signal(&template->child, SIGKILL);
        return;
    }
    template->put_off = 0;
    coh_generation_unfork(generation, worker);
    template->asked = worker->id;
    coh_template_watch_begin(template);
}

/* --- its answers ---------------------------------------------------------- */

/* The answer came without the pidfd, for which we had no descriptor: what the
   worker has by now makes room for one. It is our child and has not been
   reaped, so its pid is nobody else's. 0, or -errno: it has been ended. */
static int
find_again(struct coh_worker *worker, pid_t pid, int *pidfd)
{
    int error;

    coh_fds_close(&worker->far_end, 1);
    coh_fds_close(&worker->speaker, 1);
    *pidfd = pidfd_open(pid, 0);
    if (*pidfd >= 0) {
        return 0;
    }
    error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -error;
}

/* False: it is not, and can not be. */
static bool
is_born(struct coh_worker *worker, pid_t pid, int pidfd)
{
    int result = 0;

    if (pid > 0 && pidfd < 0 && worker->child.pidfd < 0) {
        result = find_again(worker, pid, &pidfd);
    }
    if (pid < 0 || result < 0) {
        tell_failure(
            worker->generation, worker->id, "cannot fork a worker",
            pid < 0 ? (int)-pid : -result);
        return false;
    }
    coh_worker_born(worker, pid, pidfd);
    return true;
}

void
coh_template_answered(
    struct coh_template *template, uint64_t worker_id, pid_t pid, int pidfd)
{
    struct coh_primary *primary = template->generation->primary;
    struct coh_worker *worker = coh_worker_find(primary, worker_id);
    bool is_unborn;

    if (template->asked == worker_id) {
        template->asked = 0;
        coh_template_watch_end(template);
    }
    if (!worker && pidfd >= 0) {
        close(pidfd); /* it has lived and been reaped by its own */
    }
    is_unborn = worker && !is_born(worker, pid, pidfd);
    coh_template_ask(template);
    if (is_unborn) {
        coh_worker_stillborn(worker); /* last: it may end us all */
    }
}
