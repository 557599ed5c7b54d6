/* libcohort: a program's calls become a configuration, which the same primary
   serves as any other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

#include "config.h"
#include "core/addr.h"
#include "core/arena.h"
#include "core/check.h"
#include "core/cpu.h"
#include "core/hash.h"
#include "core/socket.h"
#include "http/modules/handler.h"
#include "http/service.h"
#include "server/admin/service.h"
#include "server/cluster/served.h"
#include "server/embed.h"
#include "server/embed_event.h"
#include "server/launch.h"
#include "server/primary/caller.h"
#include "server/primary/primary.h"
#include "server/process/helper.h"
#include "server/process/self.h"
#include "server/process/spawn.h"

#define WORKERS_MAX 4096 /* what worker_processes takes */
#define DEFAULT_ADDRESS "127.0.0.1:8000"

struct cohort {
    struct coh_arena *arena;
    const char *listens;    /* directives; "" for none */
    const char *locations;  /* blocks, each with its handler's number */
    const char *directives; /* of the main context */
    const char *http_directives;
    struct coh_handler *handlers;
    const char **handler_locations;
    size_t handler_count;
    int workers;
    struct cohort_service service; /* as its workers run it */
    struct coh_embed_events events;
    struct coh_caller caller;
};

/* Who is told messages in this program's workers: they are forks, so what is
   set before cohort_run is theirs. */
static struct {
    void (*on_message)(
        struct cohort_self *self, struct cohort_message *message, void *user);
    void *user;
} messages;

const char *
cohort_version(void)
{
    return COHORT_VERSION;
}

unsigned
cohort_cpu_count(void)
{
    return coh_cpu_count();
}

struct cohort *
cohort_new(void)
{
    struct coh_arena *arena = coh_arena_new(4096);
    struct cohort *cohort = coh_arena_alloc(arena, sizeof(*cohort));

    cohort->arena = arena;
    cohort->listens = "";
    cohort->locations = "";
    cohort->directives = "";
    cohort->http_directives = "";
    cohort->workers = COHORT_WORKERS_AUTO;
    cohort->service = coh_http_service;
    coh_embed_events_init(&cohort->events);
    return cohort;
}

void
cohort_free(struct cohort *cohort)
{
    if (cohort) {
        free(cohort->handlers);
        free(cohort->handler_locations);
        coh_arena_free(cohort->arena);
    }
}

/* --- what a program says -------------------------------------------------- */

int
cohort_listen(struct cohort *cohort, const char *address)
{
    struct coh_addr parsed;
    const char *why = "";

    if (coh_addr_parse(cohort_str(address), 80, &parsed, &why) < 0 ||
        strpbrk(address, ";{}\"' \t\n\\$")) {
        fprintf(
            stderr, "cohort: %s in the address \"%s\" to listen on\n",
            why[0] ? why : "unexpected character", address);
        return -EINVAL;
    }
    cohort->listens = coh_arena_printf(
        cohort->arena, "%s        listen %s;\n", cohort->listens, address);
    return 0;
}

int
cohort_set_workers(struct cohort *cohort, int count)
{
    if (count < COHORT_WORKERS_AUTO || count > WORKERS_MAX) {
        fprintf(
            stderr,
            "cohort: %d workers: choose 0 (one process) to %d, or "
            "COHORT_WORKERS_AUTO\n",
            count, WORKERS_MAX);
        return -EINVAL;
    }
    cohort->workers = count;
    return 0;
}

/* Behind what is there, each on lines of its own: a comment may end it. */
static const char *
append_directives(struct cohort *cohort, const char *before, const char *text)
{
    return coh_arena_printf(cohort->arena, "%s%s\n", before, text);
}

int
cohort_set_directives(struct cohort *cohort, const char *text)
{
    cohort->directives = append_directives(cohort, cohort->directives, text);
    return 0;
}

int
cohort_set_http_directives(struct cohort *cohort, const char *text)
{
    cohort->http_directives =
        append_directives(cohort, cohort->http_directives, text);
    return 0;
}

void
cohort_set_service(struct cohort *cohort, const struct cohort_service *service)
{
    cohort->service = *service;
}

/* --- messages ------------------------------------------------------------- */

static void
on_message(
    struct cohort_self *self, void *state, struct cohort_message *message)
{
    (void)state;
    messages.on_message(self, message, messages.user);
}

void
cohort_on_message(
    struct cohort *cohort,
    void (*handler)(
        struct cohort_self *self, struct cohort_message *message, void *user),
    void *user)
{
    messages.on_message = handler;
    messages.user = user;
    cohort->service.message = handler ? on_message : NULL;
}

void
cohort_on_event(
    struct cohort *cohort,
    void (*on_event)(const struct cohort_event *event, void *user), void *user)
{
    cohort->events.on_event = on_event;
    cohort->events.user = user;
}

/* --- asking the primary --------------------------------------------------- */

int
cohort_reload(
    struct cohort *cohort, bool is_forced,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user)
{
    const struct coh_frame_ask ask = {
        .verb = COH_ASK_RELOAD, .value = is_forced};

    return coh_caller_ask(&cohort->caller, &ask, on_outcome, user);
}

int
cohort_scale(
    struct cohort *cohort, const char *group, unsigned count,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user)
{
    struct coh_frame_ask ask = {.verb = COH_ASK_SCALE, .value = count};
    size_t size = group ? strlen(group) : 0;

    if (size >= sizeof(ask.group)) {
        return -EINVAL;
    }
    memcpy(ask.group, group ? group : "", size);
    return coh_caller_ask(&cohort->caller, &ask, on_outcome, user);
}

/* --- handlers ------------------------------------------------------------- */

/* "= " or "^~ " before a path; other modifiers are not for programs. */
static size_t
modifier_size(const char *location)
{
    size_t size = strncmp(location, "=", 1) == 0 ? 1
        : strncmp(location, "^~", 2) == 0        ? 2
                                                 : 0;

    return size > 0 ? size + strspn(location + size, " ") : 0;
}

static int
check_location(const struct cohort *cohort, const char *location)
{
    const char *path = location + modifier_size(location);

    if (path[0] != '/' || strpbrk(path, "\"\\\n$")) {
        fprintf(
            stderr,
            "cohort: the location \"%s\" must be a path, alone or after \"=\" "
            "or \"^~\", without quotes, backslashes and \"$\"\n",
            location);
        return -EINVAL;
    }
    for (size_t i = 0; i < cohort->handler_count; i++) {
        if (strcmp(cohort->handler_locations[i], location) == 0) {
            fprintf(
                stderr, "cohort: the location \"%s\" has a handler\n",
                location);
            return -EEXIST;
        }
    }
    return 0;
}

static void
grow(struct cohort *cohort)
{
    size_t count = cohort->handler_count + 1;

    cohort->handlers =
        realloc(cohort->handlers, count * sizeof(*cohort->handlers));
    cohort->handler_locations = realloc(
        cohort->handler_locations, count * sizeof(*cohort->handler_locations));
    if (!cohort->handlers || !cohort->handler_locations) {
        coh_die_memory(count * sizeof(*cohort->handlers));
    }
}

int
cohort_handle(
    struct cohort *cohort, const char *location, cohort_handler handler,
    void *user)
{
    size_t index = cohort->handler_count;
    size_t modifier = modifier_size(location);
    int result = check_location(cohort, location);

    if (result < 0) {
        return result;
    }
    grow(cohort);
    cohort->handlers[index] = (struct coh_handler){handler, user};
    cohort->handler_locations[index] =
        coh_arena_strdup(cohort->arena, location);
    cohort->handler_count = index + 1;
    cohort->locations = coh_arena_printf(
        cohort->arena,
        "%s        location %.*s \"%s\" {\n"
        "            handler %zu;\n"
        "        }\n",
        cohort->locations, (int)modifier, location, location + modifier, index);
    return 0;
}

/* --- running -------------------------------------------------------------- */

static const char *
process_directive(const struct cohort *cohort)
{
    if (cohort->workers == 0) {
        return "master_process off;\n";
    }
    if (cohort->workers == COHORT_WORKERS_AUTO) {
        return "";
    }
    return coh_arena_printf(
        cohort->arena, "worker_processes %d;\n", cohort->workers);
}

static bool
is_http(const struct cohort *cohort)
{
    return cohort->service.load == coh_http_service.load;
}

static struct cohort_str
make_http_configuration(const struct cohort *cohort)
{
    bool has_log = strstr(cohort->http_directives, "access_log");
    const char *listens = cohort->listens[0] ? cohort->listens
                                             : "        listen " DEFAULT_ADDRESS
                                               ";\n";

    return cohort_str(coh_arena_printf(
        cohort->arena,
        "%s%s"
        "http {\n"
        "%s%s"
        "    server {\n"
        "%s%s"
        "    }\n"
        "}\n",
        process_directive(cohort), cohort->directives,
        has_log ? "" : "    access_log off;\n", cohort->http_directives,
        listens, cohort->locations));
}

static struct cohort_str
make_configuration(const struct cohort *cohort)
{
    return is_http(cohort)
        ? make_http_configuration(cohort)
        : cohort_str(coh_arena_printf(
              cohort->arena, "%s%s", process_directive(cohort),
              cohort->directives));
}

static struct coh_options
make_options(const struct cohort *cohort)
{
    char *folder = getcwd(NULL, 0);
    struct coh_options options = {
        .program = "cohort",
        .prefix = folder ? coh_arena_strdup(cohort->arena, folder) : "/",
        .text = make_configuration(cohort),
        .text_name = "program",
    };

    free(folder);
    return options;
}

static void
release(void *cohort)
{
    coh_handlers_set(NULL, 0);
    cohort_free(cohort);
}

int
cohort_self_serve(struct cohort_self *self, struct cohort *cohort)
{
    const struct coh_served_program program = {
        .options = make_options(cohort),
        .service = &coh_http_service,
        .is_passive = !cohort->listens[0],
        .release = release,
        .owner = cohort,
    };

    if (!self->is_member) {
        cohort_free(cohort); /* the handlers of this process are another's */
        return -EOPNOTSUPP;
    }
    coh_handlers_set(cohort->handlers, cohort->handler_count);
    return coh_served_start(self, &program);
}

/* The admin service is a program like any other, but for who runs it. */
int
coh_embed_run_helper(const struct coh_helper_birth *birth)
{
    struct cohort *cohort = cohort_new();
    struct coh_admin *admin = coh_admin_new();
    struct coh_options options = {
        .program = "cohort",
        .prefix = "/",
        .text_name = "admin",
    };
    struct coh_helper_program program = {
        .options = &options,
        .service = &coh_http_service,
        .admin = admin,
    };
    int status = 1;

    if (coh_admin_register(admin, cohort) == 0) {
        options.text = make_configuration(cohort);
        coh_handlers_set(cohort->handlers, cohort->handler_count);
        status = coh_helper_run(birth, &program);
    }
    coh_admin_free(admin);
    cohort_free(cohort);
    return status;
}

int
cohort_run(struct cohort *cohort)
{
    struct coh_options options = make_options(cohort);
    struct coh_program program = {
        .options = &options,
        .service = &cohort->service,
        .is_forked = true,
        .run_helper = coh_embed_run_helper,
        .reader = &cohort->events.reader,
        .caller = &cohort->caller,
    };
    int status = 1;

    if (coh_fds_fill_standard() == 0 && coh_spawn_init() == 0) {
        coh_hash_init();
        coh_handlers_set(cohort->handlers, cohort->handler_count);
        status = coh_launch(&program);
    }
    return status;
}
