/* Finding a server by its configuration, also by one that has errors now. */
#include "server/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"
#include "core/arena.h"
#include "core/path.h"
#include "server/command_line.h"
#include "server/process/admin_settings.h"
#include "server/process/load.h"

/* The first error's first line; the arena's. */
struct first_error {
    struct coh_arena *arena;
    const char *text;
};

static void
keep_first(void *user, bool is_error, const char *text)
{
    struct first_error *first = user;

    if (is_error && !first->text) {
        first->text = coh_arena_printf(
            first->arena, "%.*s", (int)strcspn(text, "\n"), text);
    }
}

/* Before finish, where defaults are chosen, it may be empty. A file with errors
   may have lost the line that says it, and by the default another server could
   be ended. */
static const char *
pid_path_of(struct coh_arena *arena, const struct cohort_load *load)
{
    const struct coh_options *options = load->options;
    struct cohort_str path = coh_settings_of(load->conf.settings)->pid_path;

    if (path.size > 0) {
        return coh_arena_str(arena, path).data;
    }
    if (load->conf.error_count > 0) {
        return NULL;
    }
    return options->text_pid_path
        ? options->text_pid_path
        : coh_options_path(options, arena, COHORT_PID_PATH);
}

static const char *
default_socket(struct coh_arena *arena, const struct coh_options *options)
{
    const char *pid = options->text_pid_path;

    return pid ? coh_path_join(
                     arena, coh_path_folder(arena, pid),
                     cohort_str(COH_ADMIN_SOCKET_NAME))
               : coh_path_join(
                     arena, options->prefix, cohort_str(COH_ADMIN_SOCKET_PATH));
}

static const char *
socket_path_of(struct coh_arena *arena, const struct cohort_load *load)
{
    const struct coh_admin_settings *settings =
        coh_admin_settings_of(load->conf.settings);
    const struct coh_admin_address *door = coh_admin_door(settings);

    if (door && door->address.u.any.sa_family == AF_UNIX) {
        return coh_arena_strdup(arena, door->address.u.local.sun_path);
    }
    return load->conf.error_count > 0 && !settings->is_off
        ? default_socket(arena, load->options)
        : NULL;
}

/* There was something to read: what is missing in it has a default. */
static bool
was_read(const struct cohort_load *load)
{
    return !load->options->file || load->conf.file_count > 0;
}

static int
find(
    struct coh_place *place, struct coh_arena *arena,
    const struct cohort_load *load, const char *error)
{
    if (error && !was_read(load)) {
        fprintf(stderr, "cohort: [emerg] %s\n", error);
        return -EINVAL;
    }
    place->pid_path = pid_path_of(arena, load);
    place->socket_path = socket_path_of(arena, load);
    place->has_primary = coh_settings_of(load->conf.settings)->has_primary;
    if (error) {
        fprintf(
            stderr,
            "cohort: [warn] the configuration does not load by now: %s; going "
            "on with the pid file %s and the admin socket %s\n",
            error, place->pid_path ? place->pid_path : "it does not name",
            place->socket_path ? place->socket_path : "off");
    }
    return 0;
}

int
coh_place_find(
    struct coh_place *place, struct coh_arena *arena,
    const struct coh_options *options, const struct cohort_service *service)
{
    struct cohort_load *load = calloc(1, sizeof(*load));
    struct first_error first = {.arena = arena};
    int result = -ENOMEM;

    *place = (struct coh_place){0};
    if (load) {
        load->tell = keep_first;
        load->user = &first;
        coh_load_run(load, options, service, true);
        result = find(place, arena, load, first.text);
        coh_load_free(load);
    }
    free(load);
    return result;
}
