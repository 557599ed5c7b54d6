/* The pid file's and the admin sockets' names during an upgrade. */
#include "server/primary/upgrade/names.h"

#include <string.h>
#include <sys/un.h>

#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/upgrade/oldbin.h"

/* The path of an admin address; NULL: it has none. */
static const char *
admin_path(const struct coh_helper *helper, uint32_t index)
{
    const struct coh_listener *listener = helper->listeners[index];

    return listener && listener->address.u.any.sa_family == AF_UNIX
        ? listener->address.u.local.sun_path
        : NULL;
}

/* --- the old one ---------------------------------------------------------- */

static void
keep(struct coh_primary *primary, const char *path)
{
    int result = coh_oldbin_keep(path);

    if (result < 0) {
        cohort_error(
            &primary->log, "cannot give %s a second name: %s", path,
            strerror(-result));
    }
}

static void
restore(struct coh_primary *primary, const char *path)
{
    int result = coh_oldbin_restore(path);

    if (result < 0) {
        cohort_error(
            &primary->log, "cannot have %s back: %s", path, strerror(-result));
    }
}

static void
drop(struct coh_primary *primary, const char *path)
{
    (void)primary;
    coh_oldbin_drop(path);
}

static void
for_all(
    struct coh_primary *primary,
    void (*act)(struct coh_primary *primary, const char *path))
{
    if (primary->pidfile.path) {
        act(primary, primary->pidfile.path);
    }
    for (uint32_t i = 0; i < primary->helper->settings.count; i++) {
        const char *path = admin_path(primary->helper, i);

        if (path) {
            act(primary, path);
        }
    }
}

void
coh_names_keep(struct coh_primary *primary)
{
    for_all(primary, keep);
}

void
coh_names_restore(struct coh_primary *primary)
{
    for_all(primary, restore);
}

void
coh_names_drop(struct coh_primary *primary)
{
    for_all(primary, drop);
}

void
coh_names_leave(struct coh_primary *primary)
{
    coh_pidfile_leave(&primary->pidfile);
    for (uint32_t i = 0; i < primary->helper->settings.count; i++) {
        if (admin_path(primary->helper, i)) {
            coh_listener_leave_file(primary->helper->listeners[i]);
        }
    }
}

/* --- the new one ---------------------------------------------------------- */

static void
move_admin_socket(
    struct coh_primary *primary, struct coh_listener *listener,
    const struct coh_frame_admin_address *asked)
{
    const struct sockaddr_un *wanted =
        (const struct sockaddr_un *)&asked->address;
    int result = 0;

    if (strcmp(listener->address.u.local.sun_path, wanted->sun_path) != 0) {
        result = coh_listener_move(listener, wanted->sun_path);
    }
    if (result < 0) {
        cohort_error(
            &primary->log, "cannot move the admin socket to %s: %s",
            wanted->sun_path, strerror(-result));
    }
}

void
coh_names_take(struct coh_primary *primary, pid_t from)
{
    struct coh_helper *helper = primary->helper;
    char why[COH_PIDFILE_WHY_MAX];

    if (!primary->pidfile.path &&
        coh_pidfile_write(
            &primary->pidfile, primary->current->pid_path, from, why) < 0) {
        cohort_error(&primary->log, "%s", why);
    }
    for (uint32_t i = 0; i < helper->settings.count; i++) {
        if (admin_path(helper, i)) {
            move_admin_socket(
                primary, helper->listeners[i], &helper->settings.addresses[i]);
        }
    }
}
