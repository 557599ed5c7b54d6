/* The program: what the command line asks for, in which role. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/explain.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/socket.h"
#include "http/service.h"
#include "server/command_line.h"
#include "server/control.h"
#include "server/embed.h"
#include "server/embedded_conf.h"
#include "server/launch.h"
#include "server/modules.h"
#include "server/place.h"
#include "server/primary/primary.h"
#include "server/process/helper.h"
#include "server/process/pidfile.h"
#include "server/process/single.h"
#include "server/process/spawn.h"
#include "server/process/template.h"

/* --- -e ------------------------------------------------------------------- */

/* It is there from now on, if only for who looks whether it is; the
   configuration may still name another. */
static void
create_error_log(const char *path)
{
    int fd = coh_log_open(path);

    if (fd < 0) {
        fprintf(
            stderr,
            "cohort: [alert] could not open error log file: open() \"%s\" "
            "failed (%d: %s); create its folder, or name another with -e\n",
            path, -fd, strerror(-fd));
        return;
    }
    close(fd);
}

/* --- -s ------------------------------------------------------------------- */

/* One that serves all by itself cannot do it. */
static int
refuse_single(pid_t owner, const char *what)
{
    fprintf(
        stderr,
        "cohort: [error] process %d serves by itself (\"master_process off\"), "
        "which takes no %s: end it by -s quit, and start it again\n",
        (int)owner, what);
    return 1;
}

/* A reload has a verdict, where there is somebody to ask for it. */
static int
reload_owner(const struct coh_place *place, pid_t owner)
{
    int status = coh_control_reload(place, owner);

    if (status >= 0) {
        return status;
    }
    if (!place->has_primary) {
        return refuse_single(owner, "reload");
    }
    if (kill(owner, SIGHUP) < 0) {
        return -1;
    }
    fprintf(
        stderr,
        "cohort: [notice] told process %d to reload; without its admin socket, "
        "whether it did stands in its error log\n",
        (int)owner);
    return 0;
}

/* In one step; the signal alone begins one of two. */
static int
upgrade_owner(const struct coh_place *place, pid_t owner)
{
    int status = coh_control_upgrade(place, owner);

    if (status >= 0) {
        return status;
    }
    if (!place->has_primary) {
        return refuse_single(owner, "upgrade");
    }
    fprintf(
        stderr,
        "cohort: [error] cannot upgrade process %d without its admin socket; "
        "in two steps: kill -USR2 %d, and when the new one serves, kill -QUIT "
        "%d\n",
        (int)owner, (int)owner, (int)owner);
    return 1;
}

static int
tell_owner(const struct coh_place *place, pid_t owner, int number)
{
    switch (number) {
    case SIGHUP:
        return reload_owner(place, owner);
    case SIGUSR2:
        return upgrade_owner(place, owner);
    default:
        return kill(owner, number);
    }
}

static int
signal_owner(const struct coh_place *place, int number)
{
    const char *path = place->pid_path;
    pid_t owner;
    int status = -1;

    if (!path) {
        fprintf(
            stderr,
            "cohort: [error] which server to signal is not known: as long as "
            "the configuration has errors, only its own line \"pid\" says it; "
            "mend it, or use kill, or cohort ctl --socket PATH\n");
        return 1;
    }
    owner = coh_pidfile_owner(path);
    if (owner > 0) {
        status = tell_owner(place, owner, number);
    }
    if (status >= 0) {
        return status;
    }
    if (owner > 0) {
        fprintf(
            stderr, "cohort: [error] cannot signal process %d: %s\n",
            (int)owner, strerror(errno));
    } else if (owner == 0) {
        fprintf(
            stderr,
            "cohort: [error] no server runs with the pid file %s; start one, "
            "or name its configuration with -c\n",
            path);
    } else {
        fprintf(
            stderr, "cohort: [error] cannot read the pid file %s: %s\n", path,
            strerror(-(int)owner));
    }
    return 1;
}

static int
signal_running(
    const struct coh_options *options, struct coh_arena *arena, int number)
{
    struct coh_place place;

    return coh_place_find(&place, arena, options, &coh_http_service) < 0
        ? 1
        : signal_owner(&place, number);
}

/* --- serving -------------------------------------------------------------- */

static int
serve(const struct coh_options *options)
{
    struct coh_program program = {
        .options = options,
        .service = &coh_http_service,
        .is_process = true,
        .greet = options->file ? NULL : coh_embedded_greet,
        .run_helper = coh_embed_run_helper,
    };

    return coh_embedded_prepare(options) < 0 ? 1 : coh_launch(&program);
}

/* --- roles ---------------------------------------------------------------- */

static int
run_template(const struct coh_options *options, const char *birth_text)
{
    struct coh_template_birth birth = {
        .options = options, .service = &coh_http_service};
    int primary = 0;

    if (sscanf(
            birth_text, "%d:%" SCNu64 ":%d", &birth.channel, &birth.generation,
            &primary) != 3) {
        fprintf(
            stderr,
            "cohort: [emerg] " COH_TEMPLATE_ENVIRONMENT
            " is for cohort itself; unset it\n");
        return 1;
    }
    birth.primary = primary;
    unsetenv(COH_TEMPLATE_ENVIRONMENT);
    return coh_template_run(&birth);
}

static int
run_helper(const char *birth_text)
{
    struct coh_helper_birth birth = {0};
    int primary = 0;

    if (sscanf(birth_text, "%d:%d", &birth.channel, &primary) != 2) {
        fprintf(
            stderr,
            "cohort: [emerg] " COH_HELPER_ENVIRONMENT
            " is for cohort itself; unset it\n");
        return 1;
    }
    birth.primary = primary;
    unsetenv(COH_HELPER_ENVIRONMENT);
    return coh_embed_run_helper(&birth);
}

static int
explain(struct coh_arena *arena, const char *directive)
{
    struct cohort_module *const *modules =
        coh_modules_list(arena, &coh_http_service);

    return coh_conf_explain(stdout, modules, directive) < 0 ? 1 : 0;
}

static int
do_what_was_asked(const struct coh_command_line *line, struct coh_arena *arena)
{
    const struct coh_options *options = &line->options;

    if (line->directive) {
        return explain(arena, line->directive);
    }
    if (line->wants_help) {
        coh_command_line_help(stderr, options->program);
        return 0;
    }
    if (line->wants_version) {
        coh_command_line_version(stderr, line->wants_configure);
        if (!line->is_test) {
            return 0;
        }
    }
    if (options->error_log && strcmp(options->error_log, "stderr") != 0) {
        create_error_log(options->error_log);
    }
    if (line->is_test) {
        return coh_single_test(
            options, &coh_http_service, line->is_quiet, line->is_dump);
    }
    if (line->signal) {
        return signal_running(options, arena, line->signal);
    }
    return serve(options);
}

int
main(int argc, char **argv)
{
    struct coh_arena *arena;
    struct coh_command_line line;
    const char *birth = getenv(COH_TEMPLATE_ENVIRONMENT);
    const char *helper = getenv(COH_HELPER_ENVIRONMENT);
    int status = 1;

    if (coh_fds_fill_standard() < 0 || coh_spawn_init() < 0) {
        return 1;
    }
    coh_hash_init();
    if (helper) {
        return run_helper(helper);
    }
    if (!birth && coh_control_is_asked(argc, argv)) {
        return coh_control_run(argc, argv, &coh_http_service);
    }
    arena = coh_arena_new(4096);
    if (coh_command_line_parse(&line, arena, argc, argv, stderr) == 0) {
        if (birth) {
            if (!line.options.file) {
                coh_embedded_use(&line.options, arena);
            }
            status = run_template(&line.options, birth);
        } else {
            coh_embedded_choose(&line.options, arena);
            status = do_what_was_asked(&line, arena);
        }
    }
    coh_arena_free(arena);
    return status;
}
