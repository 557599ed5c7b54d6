/* The environment of a service, as sd_notify(3) and sd_listen_fds(3) describe
   it. */
#include "server/primary/systemd_birth.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/socket.h"
#include "core/str.h"
#include "server/accept/inherited.h"

#define FIRST_FD 3
#define COUNT_MAX 1024

static const char *const variables[] = {
    "NOTIFY_SOCKET",  "WATCHDOG_PID",   "WATCHDOG_USEC", "LISTEN_PID",
    "LISTEN_PIDFDID", "LISTEN_FDNAMES", "LISTEN_FDS",
};

/* 0: it is not set, or no number up to max. */
static uint64_t
read_number(const char *variable, uint64_t max)
{
    const char *text = getenv(variable);
    uint64_t number;

    if (text == NULL || coh_str_to_u64(cohort_str(text), max, &number) < 0) {
        return 0;
    }
    return number;
}

/* NULL: it is not set, or empty. */
static char *
read_text(const char *variable)
{
    const char *text = getenv(variable);

    return text && text[0] ? strdup(text) : NULL;
}

void
coh_systemd_birth_read(struct coh_systemd_birth *birth)
{
    uint64_t own = (uint64_t)getpid();
    uint64_t watched = read_number("WATCHDOG_PID", INT32_MAX);

    *birth =
        (struct coh_systemd_birth){.notify_socket = read_text("NOTIFY_SOCKET")};
    if (watched == 0 || watched == own) {
        birth->watchdog_us = read_number("WATCHDOG_USEC", INT64_MAX);
    }
    if (read_number("LISTEN_PID", INT32_MAX) == own) {
        birth->socket_count = (int)read_number("LISTEN_FDS", COUNT_MAX);
        birth->socket_names = read_text("LISTEN_FDNAMES");
    }
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        unsetenv(variables[i]);
    }
    for (int i = 0; i < birth->socket_count; i++) {
        coh_fd_set_cloexec(FIRST_FD + i, true);
    }
}

void
coh_systemd_birth_restore(const struct coh_systemd_birth *birth)
{
    char number[24];

    if (birth->notify_socket) {
        setenv("NOTIFY_SOCKET", birth->notify_socket, 1);
    }
    if (birth->watchdog_us > 0) {
        snprintf(number, sizeof(number), "%" PRIu64, birth->watchdog_us);
        setenv("WATCHDOG_USEC", number, 1);
    }
}

void
coh_systemd_birth_fini(struct coh_systemd_birth *birth)
{
    free(birth->notify_socket);
    free(birth->socket_names);
    *birth = (struct coh_systemd_birth){.notify_socket = NULL};
}

void
coh_systemd_birth_adopt(
    struct coh_systemd_birth *birth, struct coh_inherited *inherited,
    struct cohort_log *log)
{
    char *rest = birth->socket_names;

    for (int i = 0; i < birth->socket_count; i++) {
        const char *name = rest ? strsep(&rest, ":") : "";
        int result;

        if (fcntl(FIRST_FD + i, F_GETFD) < 0) {
            continue; /* announced, but not there */
        }
        result = coh_inherited_add(inherited, FIRST_FD + i, name);
        if (result < 0) {
            cohort_warn(
                log,
                "closing the inherited descriptor %d (%s): %s; only listening "
                "stream sockets are of use here (in a .socket unit: "
                "ListenStream=, Accept=no)",
                FIRST_FD + i, name[0] ? name : "without a name",
                strerror(-result));
        }
    }
    birth->socket_count = 0;
}
