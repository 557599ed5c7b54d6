/* Admin addresses, with what a unix socket needs: a folder, an owner and a
   mode. */
#include "server/primary/admin_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/path.h"
#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/upgrade/names.h"

#define FOLDER_MODE 0700
#define FOLDER_MODE_WITH_GROUP 0750

static bool
is_unix(const struct coh_frame_admin_address *asked)
{
    return asked->address.ss_family == AF_UNIX;
}

static const char *
path_of(const struct coh_listen_request *request)
{
    return request->address.u.local.sun_path;
}

/* A new primary beside an old one has a socket beside the old one's, until the
   names are its own. */
static int
evade(
    const struct coh_primary *primary, struct coh_listen_request *request,
    char *why)
{
    struct sockaddr_un *local = &request->address.u.local;
    size_t size = strlen(local->sun_path);

    if (local->sun_family != AF_UNIX || primary->upgrade.has_names) {
        return 0;
    }
    if (size + sizeof(COH_NAMES_NEW_SUFFIX) > sizeof(local->sun_path)) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "the path of the admin socket %s is too long for an upgrade: "
            "shorten it by 4 bytes",
            local->sun_path);
        return -ENAMETOOLONG;
    }
    strcpy(local->sun_path + size, COH_NAMES_NEW_SUFFIX);
    request->address.size += (socklen_t)strlen(COH_NAMES_NEW_SUFFIX);
    return 0;
}

static struct coh_listen_request
request_of(const struct coh_frame_admin_address *asked)
{
    struct coh_listen_request request = {
        .address.size = asked->address_size,
        .options.mode = is_unix(asked) ? asked->mode : 0,
    };

    memcpy(&request.address.u, &asked->address, asked->address_size);
    return request;
}

/* --- files ---------------------------------------------------------------- */

/* A folder that is not there yet is ours alone, or our group's as well. */
static int
make_folder(
    const struct coh_frame_admin_address *asked, const char *folder, char *why)
{
    bool has_group = asked->group != COH_ADMIN_NOBODY;
    gid_t group = has_group ? asked->group : (gid_t)-1;
    int result;

    if (access(folder, F_OK) == 0) {
        return 0;
    }
    result = coh_path_make_folder(
        folder, has_group ? FOLDER_MODE_WITH_GROUP : FOLDER_MODE, group);
    if (result < 0) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot make the folder %s of the admin socket: %s; make it, or "
            "name another with \"admin unix:PATH\"",
            folder, strerror(-result));
    }
    return result;
}

static int
prepare_folder(
    const struct coh_frame_admin_address *asked,
    const struct coh_listen_request *request, char *why)
{
    struct coh_arena *arena;
    int result;

    if (!is_unix(asked)) {
        return 0;
    }
    arena = coh_arena_new(1024);
    result = make_folder(asked, coh_path_folder(arena, path_of(request)), why);
    coh_arena_free(arena);
    return result;
}

static int
set_owner(
    const struct coh_frame_admin_address *asked,
    const struct coh_listen_request *request, char *why)
{
    if (!is_unix(asked) ||
        (asked->owner == COH_ADMIN_NOBODY &&
         asked->group == COH_ADMIN_NOBODY)) {
        return 0;
    }
    if (lchown(path_of(request), asked->owner, asked->group) < 0) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot give the admin socket %s to its owner and group: %s; only "
            "root may give it to anybody",
            path_of(request), strerror(errno));
        return -EPERM;
    }
    return 0;
}

/* --- opening -------------------------------------------------------------- */

static bool
has_already(
    const struct coh_helper *helper, const struct coh_listener *listener)
{
    for (uint32_t i = 0; i < helper->settings.count; i++) {
        if (helper->listeners[i] == listener) {
            return true;
        }
    }
    return false;
}

static int
open_one(struct coh_generation *generation, uint32_t index, char *why)
{
    struct coh_primary *primary = generation->primary;
    const struct coh_frame_admin_address *asked =
        &generation->admin.addresses[index];
    struct coh_listen_request request = request_of(asked);
    struct coh_listener **listener = &generation->admin_listeners[index];
    int result = prepare_folder(asked, &request, why);

    if (result == 0) {
        result = evade(primary, &request, why);
    }
    if (result == 0) {
        result =
            coh_listener_open(&primary->listeners, &request, listener, why);
    }
    if (result == 0 && (*listener)->references > 1U + (*listener)->is_kept &&
        !has_already(primary->helper, *listener)) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "an admin address is one of the service, too; choose another");
        result = -EADDRINUSE;
    } else if (result == 0 && (*listener)->references == 1) {
        result = set_owner(asked, &request, why);
    }
    if (result < 0 && *listener) {
        coh_listener_release(*listener);
        *listener = NULL;
    }
    return result;
}

/* Take an address out of what the generation asks for. */
static void
do_without(struct coh_generation *generation, uint32_t index, const char *why)
{
    struct coh_frame_admin *asked = &generation->admin;
    char text[COH_LISTENER_WHY_MAX + 64];

    snprintf(text, sizeof(text), "%s; set \"admin\"; going on without it", why);
    coh_primary_tell(generation->primary, COHORT_LOG_WARN, text);
    asked->count--;
    memmove(
        &asked->addresses[index], &asked->addresses[index + 1],
        (asked->count - index) * sizeof(asked->addresses[0]));
}

int
coh_admin_sockets_open(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX])
{
    uint32_t index = 0;

    if (!generation->primary->program->run_helper) {
        generation->admin.count = 0; /* nobody would serve them */
    }
    while (index < generation->admin.count) {
        int result = open_one(generation, index, why);

        if (result == 0) {
            index++;
        } else if (generation->admin.addresses[index].is_optional) {
            do_without(generation, index, why);
        } else {
            return result;
        }
    }
    return 0;
}

/* --- whose they are ------------------------------------------------------- */

static void
release_all(struct coh_listener **listeners)
{
    for (size_t i = 0; i < COH_ADMIN_ADDRESSES_MAX; i++) {
        if (listeners[i]) {
            coh_listener_release(listeners[i]);
            listeners[i] = NULL;
        }
    }
}

void
coh_admin_sockets_release(struct coh_generation *generation)
{
    release_all(generation->admin_listeners);
}

/* Those that were there before get what they are to have now. */
static void
apply(
    struct coh_primary *primary, const struct coh_frame_admin_address *asked,
    struct coh_listener *listener)
{
    struct coh_listen_request request = request_of(asked);
    char why[COH_LISTENER_WHY_MAX];

    request.address = listener->address;
    coh_listener_apply(listener, &request.options);
    if (set_owner(asked, &request, why) < 0) {
        cohort_error(&primary->log, "%s", why);
    }
}

void
coh_admin_sockets_adopt(
    struct coh_helper *helper, struct coh_generation *generation)
{
    release_all(helper->listeners);
    memcpy(
        helper->listeners, generation->admin_listeners,
        sizeof(helper->listeners));
    memset(generation->admin_listeners, 0, sizeof(generation->admin_listeners));
    helper->settings = generation->admin;
    for (uint32_t i = 0; i < helper->settings.count; i++) {
        apply(
            helper->primary, &helper->settings.addresses[i],
            helper->listeners[i]);
    }
}
