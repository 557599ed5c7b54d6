/* The C API of one worker, seen from the primary. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include <cohort/cluster.h>

#include "server/cluster/cluster.h"
#include "server/cluster/member.h"

unsigned
cohort_worker_id(const struct cohort_worker *worker)
{
    return (unsigned)worker->id;
}

struct cohort_primary *
cohort_worker_primary(const struct cohort_worker *worker)
{
    return worker->cluster->owner;
}

pid_t
cohort_worker_pid(const struct cohort_worker *worker)
{
    return worker->pid;
}

enum cohort_worker_state
cohort_worker_state(const struct cohort_worker *worker)
{
    return worker->state;
}

enum cohort_leaving
cohort_worker_leaving(const struct cohort_worker *worker)
{
    return worker->leaving;
}

bool
cohort_worker_is_connected(const struct cohort_worker *worker)
{
    return worker->line != NULL && !worker->is_hung_up && !worker->is_leaving;
}

bool
cohort_worker_is_dead(const struct cohort_worker *worker)
{
    return worker->has_exited || worker->is_stillborn;
}

bool
cohort_worker_is_stuck(const struct cohort_worker *worker)
{
    return !worker->has_exited && coh_watched_is_stuck(&worker->watched);
}

void
cohort_worker_set_user(struct cohort_worker *worker, void *user)
{
    worker->user = user;
}

void *
cohort_worker_user(const struct cohort_worker *worker)
{
    return worker->user;
}

int
cohort_worker_stdio(const struct cohort_worker *worker, unsigned index)
{
    return index < worker->stdio_count ? worker->stdio[index] : -1;
}

int
cohort_worker_take_stdio(struct cohort_worker *worker, unsigned index)
{
    int fd = cohort_worker_stdio(worker, index);

    if (fd >= 0) {
        worker->stdio[index] = -1;
    }
    return fd;
}

int
cohort_worker_disconnect(struct cohort_worker *worker, unsigned timeout_ms)
{
    coh_member_disconnect(worker, timeout_ms);
    return 0;
}

int
cohort_worker_kill(struct cohort_worker *worker, int signal)
{
    return coh_member_kill(
        worker, signal != 0 ? signal : SIGTERM, COHORT_REASON_KILL);
}

void
cohort_worker_hang_up(struct cohort_worker *worker)
{
    coh_member_hang_up(worker);
}

int
cohort_worker_send(struct cohort_worker *worker, const void *data, size_t size)
{
    return cohort_worker_send_with(worker, data, size, NULL);
}

int
cohort_worker_send_with(
    struct cohort_worker *worker, const void *data, size_t size,
    const struct cohort_send *options)
{
    return coh_member_send(worker, cohort_str_n(data, size), options);
}

const char *
cohort_reason_name(enum cohort_reason reason)
{
    static const char *const names[] = {
        [COHORT_REASON_SELF] = "self",
        [COHORT_REASON_DISCONNECT] = "disconnect",
        [COHORT_REASON_KILL] = "kill",
        [COHORT_REASON_CRASH] = "crash",
        [COHORT_REASON_STUCK] = "stuck",
        [COHORT_REASON_RECYCLED] = "recycled",
        [COHORT_REASON_RELOAD] = "reload",
        [COHORT_REASON_SCALE] = "scale",
    };

    return (unsigned)reason < sizeof(names) / sizeof(names[0]) ? names[reason]
                                                               : "?";
}
