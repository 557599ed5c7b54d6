/* A member: what is asked of it, and its end. */
#include "server/cluster/member.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/launch.h"
#include "server/cluster/site_turns.h"
#include "server/cluster/text.h"

/* SIGKILL follows SIGTERM after this long. */
#define KILL_MS 1000

/* A channel whose process has ended is closed after this long. */
#define LINGER_MS 250

/* --- telling -------------------------------------------------------------- */

static void
tell(struct cohort_worker *member, enum coh_cluster_event_kind kind)
{
    coh_cluster_tell_kind(member->cluster, kind, member);
}

static void
tell_error(struct cohort_worker *member, int error, const char *what)
{
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_ERROR,
        .member = member,
        .error = error,
    };

    snprintf(event.what, sizeof(event.what), "%s", what);
    coh_cluster_tell(member->cluster, &event);
}

void
coh_member_told(struct cohort_worker *member)
{
    member->event_count--;
}

/* --- its end -------------------------------------------------------------- */

/* The report says whether the program was ever started. */
static void
read_report(struct cohort_worker *member)
{
    struct coh_launch_failure failure;
    char what[sizeof(failure.what) + sizeof(member->program)];

    if (member->report < 0) {
        return;
    }
    if (coh_launch_failed(member->report, &failure)) {
        snprintf(what, sizeof(what), "%s %s", failure.what, member->program);
        member->is_stillborn = true;
        member->pid = -1;
        tell_error(member, failure.error, what);
    }
    close(member->report);
    member->report = -1;
}

static enum cohort_reason
reason_of(const struct cohort_worker *member)
{
    if (member->reason != COHORT_REASON_SELF) {
        return member->reason;
    }
    return member->how.is_signal ? COHORT_REASON_CRASH : COHORT_REASON_SELF;
}

static void
tell_exit(struct cohort_worker *member)
{
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_EXIT,
        .member = member,
        .how = {.code = -1, .reason = reason_of(member)},
    };

    if (member->how.is_signal) {
        event.how.signal = member->how.number;
    } else {
        event.how.code = member->how.number;
    }
    coh_cluster_tell(member->cluster, &event);
}

/* Channel and process have both ended. */
static void
end(struct cohort_worker *member)
{
    struct coh_cluster *cluster = member->cluster;

    member->state = COHORT_WORKER_DEAD;
    coh_site_turns_bury(member);
    if (!member->is_stillborn) {
        tell_exit(member);
    }
    TAILQ_REMOVE(&cluster->members, member, link);
    cluster->member_count--;
    TAILQ_INSERT_TAIL(&cluster->dead, member, link);
    coh_cluster_tell_later(cluster);
}

void
coh_member_leave_sites(struct cohort_worker *member, bool is_dead)
{
    struct coh_seat *seat = TAILQ_FIRST(&member->seats);

    while (seat != NULL) {
        struct coh_seat *next = TAILQ_NEXT(seat, member_link);

        coh_member_note_left(seat);
        coh_site_leave(seat, is_dead);
        seat = next;
    }
}

void
coh_member_lost(struct cohort_worker *member)
{
    event_del(&member->later);
    coh_member_leave_sites(member, true);
    coh_member_close_line(member);
    member->is_hung_up = false;
    read_report(member);
    coh_outbox_end(&member->outbox);
    if (member->leaving == COHORT_LEAVING_UNKNOWN) {
        member->leaving = COHORT_LEAVING_ACCIDENTAL;
    }
    member->state = COHORT_WORKER_DISCONNECTED;
    tell(member, COH_CLUSTER_DISCONNECT);
    if (member->has_exited) {
        end(member);
    }
}

void
coh_member_on_exit(struct coh_child *child, struct coh_exit how)
{
    struct cohort_worker *member =
        (struct cohort_worker
             *)((char *)child - offsetof(struct cohort_worker, child));

    member->has_exited = true;
    member->how = how;
    coh_watchdog_remove(&member->watched);
    event_del(&member->deadline);
    if (member->state == COHORT_WORKER_DISCONNECTED) {
        end(member);
    } else {
        bool has_channel =
            member->line == NULL || member->codec->socket_type != 0;

        coh_event_add_ms(
            &member->later,
            has_channel ? LINGER_MS : 0); /* for its last words */
    }
}

void
coh_member_on_later(evutil_socket_t fd, short what, void *user)
{
    struct cohort_worker *member = user;

    (void)fd;
    (void)what;
    if (member->is_hung_up && member->line != NULL && !member->has_exited) {
        cohort_warn(
            member->cluster->log,
            "closing the channel to worker %llu: it does not read what was "
            "sent before",
            (unsigned long long)member->id);
    }
    coh_member_lost(member);
}

void
coh_member_on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct cohort_worker *member = user;

    (void)fd;
    (void)what;
    if (!member->is_overdue) {
        member->is_overdue = true;
        cohort_warn(
            member->cluster->log,
            "worker %llu (process %d) does not leave in time: SIGTERM",
            (unsigned long long)member->id, member->pid);
        coh_member_kill(member, SIGTERM, COHORT_REASON_STUCK);
        coh_event_add_ms(&member->deadline, KILL_MS);
    } else {
        coh_member_kill(member, SIGKILL, COHORT_REASON_STUCK);
    }
}

/* --- what doors ask for --------------------------------------------------- */

/* Without a word more; told from the loop. */
static void
cut(struct cohort_worker *member)
{
    member->is_hung_up = true;
    coh_member_leave_sites(member, true);
    coh_member_close_line(member);
    coh_event_add_ms(&member->later, 0);
}

/* When the member has closed it, that is told by reading, behind its last
   words. */
void
coh_member_must_hear(struct cohort_worker *member, int result)
{
    if (result < 0 && result != -EPIPE) {
        cohort_error(
            member->cluster->log,
            "closing the channel to worker %llu: it cannot be told what it "
            "must know: %s",
            (unsigned long long)member->id, strerror(-result));
        cut(member);
    }
}

void
coh_member_disconnect(struct cohort_worker *member, unsigned timeout_ms)
{
    bool is_first = !member->is_leaving;

    if (member->has_exited) {
        return;
    }
    member->is_leaving = true;
    if (member->line != NULL && !member->is_hung_up && is_first) {
        member->leaving = COHORT_LEAVING_VOLUNTARY;
        if (member->reason == COHORT_REASON_SELF) {
            member->reason = COHORT_REASON_DISCONNECT;
        }
        coh_member_leave_sites(member, false);
        coh_member_must_hear(member, member->codec->leave(member));
    }
    if (timeout_ms > 0) {
        coh_event_add_ms(&member->deadline, timeout_ms);
    }
}

/* Signals that end no process by themselves. */
static bool
is_harmless(int number)
{
    return number == SIGCONT || number == SIGSTOP || number == SIGTSTP ||
        number == SIGTTIN || number == SIGTTOU || number == SIGCHLD ||
        number == SIGURG || number == SIGWINCH;
}

int
coh_member_kill(
    struct cohort_worker *member, int number, enum cohort_reason reason)
{
    if (number <= 0 || number >= NSIG) {
        return -EINVAL;
    }
    if (member->has_exited) {
        return 0;
    }
    if (pidfd_send_signal(member->child.pidfd, number, NULL, 0) < 0) {
        return errno == ESRCH ? 0 : -errno;
    }
    if (!is_harmless(number)) {
        member->leaving = COHORT_LEAVING_VOLUNTARY;
        member->reason = reason;
    }
    return 0;
}

void
coh_member_hang_up(struct cohort_worker *member)
{
    if (member->line == NULL || member->is_hung_up) {
        return;
    }
    member->is_hung_up = true;
    if (!member->codec->flush(member)) {
        /* What is under way is awaited if its answer comes by the channel. */
        coh_member_leave_sites(member, member->codec->is_seat_busy == NULL);
        return;
    }
    cut(member);
}

int
coh_member_send(
    struct cohort_worker *member, struct cohort_str message,
    const struct cohort_send *options)
{
    uint64_t mark = 0;
    int fd = options != NULL && options->fd > 0 ? options->fd : -1;
    int result = coh_message_check(member->serialization, message);

    if (result < 0) {
        return result;
    }
    if (member->line == NULL || member->is_hung_up) {
        return -EPIPE;
    }
    result = member->codec->send(member, message, fd, &mark);
    if (result < 0) {
        return result;
    }
    if (fd >= 0 && !options->keep_open) {
        close(fd);
    }
    if (options != NULL && options->on_sent != NULL) {
        coh_outbox_add(&member->outbox, mark, options->on_sent, options->user);
    }
    return result;
}
