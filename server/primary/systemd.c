/* sd_notify by hand: datagrams of "NAME=value" lines. */
#include "server/primary/systemd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "server/primary/generation.h"
#include "server/primary/headcount.h"
#include "server/primary/primary.h"
#include "server/primary/systemd_birth.h"

#define MESSAGE_MAX 1024

/* --- telling -------------------------------------------------------------- */

/* Never blocks: a manager that does not read must not stop us. */
__attribute__((format(printf, 2, 3))) static void
notify(struct coh_systemd *systemd, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof(message)) {
        size = (int)sizeof(message) - 1;
    }
    if (sendto(
            systemd->fd, message, (size_t)size, MSG_NOSIGNAL,
            (const struct sockaddr *)&systemd->address,
            systemd->address_size) < 0) {
        cohort_warn(
            &systemd->primary->log, "cannot tell systemd \"%.*s\": %s",
            (int)strcspn(message, "\n"), message, strerror(errno));
    }
}

/* Fill in systemd->status. False: it is what was told last. */
static bool
describe(struct coh_systemd *systemd, const struct coh_event *event)
{
    const struct coh_primary *primary = systemd->primary;
    const struct coh_generation *current = primary->current;
    uint64_t gone = event->kind == COH_EVENT_EXIT ? event->worker_id : 0;
    char status[sizeof(systemd->status)];

    if (!current) {
        unsigned count = coh_headcount_left(primary, gone);

        snprintf(
            status, sizeof(status), "leaving: %u worker%s to finish", count,
            count == 1 ? " has" : "s have");
    } else {
        struct coh_headcount count = coh_headcount(primary, gone);

        snprintf(
            status, sizeof(status),
            "generation %" PRIu64 " serves with %u of %u worker%s",
            current->number, count.serving, count.wanted,
            count.wanted == 1 ? "" : "s");
    }
    if (strcmp(status, systemd->status) == 0) {
        return false;
    }
    memcpy(systemd->status, status, sizeof(status));
    return true;
}

static void
on_worker(struct coh_systemd *systemd, const struct coh_event *event)
{
    if (systemd->primary->state != COH_PRIMARY_STARTING &&
        systemd->primary->upgrade.state != COH_UPGRADE_LEAVING &&
        describe(systemd, event)) {
        notify(systemd, "STATUS=%s", systemd->status);
    }
}

static void
on_reload_begin(struct coh_systemd *systemd, const struct coh_event *event)
{
    notify(
        systemd,
        "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
        "\nSTATUS=loading generation %" PRIu64,
        coh_monotonic_us(), event->generation);
    systemd->status[0] = '\0';
}

/* The first generation serves, too. A daemon is not the process that was
   started, hence MAINPID; beside another primary it is not us yet. */
static void
on_reload_done(struct coh_systemd *systemd, const struct coh_event *event)
{
    if (coh_upgrade_is_under_way(&systemd->primary->upgrade)) {
        on_worker(systemd, event);
        return;
    }
    describe(systemd, event);
    notify(
        systemd, "READY=1\nMAINPID=%d\nSTATUS=%s", (int)getpid(),
        systemd->status);
}

static void
on_reload_failed(struct coh_systemd *systemd, const struct coh_event *event)
{
    notify(
        systemd, "READY=1\nSTATUS=kept generation %" PRIu64 ": %s",
        event->generation, event->text);
    systemd->status[0] = '\0';
}

/* Where another primary goes on, the service does not stop. */
static void
on_leaving(struct coh_systemd *systemd, const struct coh_event *event)
{
    const struct coh_upgrade *upgrade = &systemd->primary->upgrade;

    if (upgrade->other > 0 &&
        (upgrade->state == COH_UPGRADE_BOTH ||
         upgrade->state == COH_UPGRADE_LEAVING)) {
        notify(systemd, "MAINPID=%d", (int)upgrade->other);
        return;
    }
    notify(systemd, "STOPPING=1\nSTATUS=%s", event->text);
}

static void
on_upgrade_undone(struct coh_systemd *systemd, const struct coh_event *event)
{
    describe(systemd, event);
    notify(systemd, "MAINPID=%d\nSTATUS=%s", (int)getpid(), systemd->status);
}

static void
on_event(void *user, const struct coh_event *event)
{
    static void (*const tellers[COH_EVENT_KIND_COUNT])(
        struct coh_systemd * systemd, const struct coh_event *event) = {
        [COH_EVENT_READY] = on_worker,
        [COH_EVENT_LISTENING] = on_worker,
        [COH_EVENT_DISCONNECT] = on_worker,
        [COH_EVENT_EXIT] = on_worker,
        [COH_EVENT_RELOAD_BEGIN] = on_reload_begin,
        [COH_EVENT_RELOAD_DONE] = on_reload_done,
        [COH_EVENT_RELOAD_FAILED] = on_reload_failed,
        [COH_EVENT_UPGRADE_DONE] = on_reload_done,
        [COH_EVENT_LEAVING] = on_leaving,
        [COH_EVENT_UPGRADE_UNDONE] = on_upgrade_undone,
    };

    if (tellers[event->kind]) {
        tellers[event->kind](user, event);
    }
}

/* --- the watchdog --------------------------------------------------------- */

/* More than half of the workers do what they are there for. Without workers on
   purpose (WINCH, leaving, all disconnected) it is enough that we are here. */
static bool
has_quorum(const struct coh_primary *primary)
{
    struct coh_headcount count;

    if (!primary->current || primary->is_paused) {
        return true;
    }
    count = coh_headcount(primary, 0);
    return count.wanted == 0 || 2 * count.well > count.wanted;
}

static void
on_watchdog(evutil_socket_t fd, short what, void *user)
{
    struct coh_systemd *systemd = user;

    (void)fd;
    (void)what;
    if (has_quorum(systemd->primary)) {
        notify(systemd, "WATCHDOG=1");
    }
}

static void
start_watchdog(struct coh_systemd *systemd, uint64_t limit_us)
{
    uint64_t half_us = limit_us / 2;
    struct timeval interval = {
        .tv_sec = (time_t)(half_us / 1000000),
        .tv_usec = (suseconds_t)(half_us % 1000000)};

    event_assign(
        &systemd->watchdog, systemd->primary->loop.base, -1, EV_PERSIST,
        on_watchdog, systemd);
    if (half_us > 0) {
        event_add(&systemd->watchdog, &interval);
    }
}

/* --- the whole ------------------------------------------------------------ */

/* "/path" or "@name", which stands for an abstract one. */
static int
set_address(struct coh_systemd *systemd, const char *name)
{
    size_t size = strlen(name);

    if (name[0] != '/' && name[0] != '@') {
        return -EAFNOSUPPORT;
    }
    if (size >= sizeof(systemd->address.sun_path)) {
        return -ENAMETOOLONG;
    }
    systemd->address.sun_family = AF_UNIX;
    memcpy(systemd->address.sun_path, name, size);
    systemd->address_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (name[0] == '@') {
        systemd->address.sun_path[0] = '\0';
    } else {
        systemd->address_size++;
    }
    return 0;
}

static int
open_socket(struct coh_systemd *systemd, const char *name)
{
    int result = set_address(systemd, name);

    if (result == 0) {
        systemd->fd =
            socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        result = systemd->fd < 0 ? -errno : 0;
    }
    return result;
}

void
coh_systemd_init(
    struct coh_systemd *systemd, const struct coh_systemd_birth *birth,
    struct coh_primary *primary)
{
    int result = birth->notify_socket ? 0 : -ENOENT;

    *systemd = (struct coh_systemd){.primary = primary, .fd = -1};
    systemd->reader =
        (struct coh_event_reader){.on_event = on_event, .user = systemd};
    if (result == 0) {
        result = open_socket(systemd, birth->notify_socket);
    }
    if (result == 0) {
        STAILQ_INSERT_TAIL(&primary->readers, &systemd->reader, link);
        start_watchdog(systemd, birth->watchdog_us);
    } else if (birth->notify_socket) {
        cohort_warn(
            &primary->log,
            "cannot tell systemd anything by NOTIFY_SOCKET=%s: %s; it must be "
            "a path, or an abstract name behind @",
            birth->notify_socket, strerror(-result));
    }
}

void
coh_systemd_forget(struct coh_systemd *systemd)
{
    if (systemd->fd >= 0) {
        close(systemd->fd);
        systemd->fd = -1;
    }
}

void
coh_systemd_fini(struct coh_systemd *systemd)
{
    if (systemd->fd >= 0) {
        event_del(&systemd->watchdog);
    }
    coh_systemd_forget(systemd);
}
