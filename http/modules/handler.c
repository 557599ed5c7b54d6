/* handler: functions of a program that answer requests. The directive stands in
   the configuration that the library makes of cohort_handle() calls. */
#include "http/modules/handler.h"

#include <cohort/module/phase.h>

static const struct coh_handler *program_handlers;
static size_t program_handler_count;

struct settings {
    const struct coh_handler *handler;
};

void
coh_handlers_set(const struct coh_handler *handlers, size_t count)
{
    program_handlers = handlers;
    program_handler_count = count;
}

static int
run(struct cohort_request *request, const void *settings)
{
    const struct coh_handler *handler =
        ((const struct settings *)settings)->handler;

    return handler->call(request, handler->user);
}

static bool
is_wanted(const void *settings)
{
    return ((const struct settings *)settings)->handler;
}

static int
set_handler(struct cohort_conf *conf, void *settings)
{
    uint64_t index;

    if (program_handler_count == 0) {
        return cohort_conf_error(
            conf,
            "there are no handlers in this program\nthe directive is made by "
            "cohort_handle() of libcohort; leave it out");
    }
    if (cohort_parse_number(
            cohort_conf_arg(conf, 0), program_handler_count - 1, &index) < 0) {
        return cohort_conf_error_at(
            conf, 0, "no handler \"%s\"\nthere are %zu, counted from 0",
            cohort_conf_arg(conf, 0).data, program_handler_count);
    }
    ((struct settings *)settings)->handler = &program_handlers[index];
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "handler",
        .usage = "number",
        .help = "Let a function of the program answer (made by "
                "cohort_handle() of libcohort).",
        .where = COHORT_IN_LOCATION,
        .args = {1, 1},
        .inherit = COHORT_INHERIT_NEVER,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, handler),
        .set = set_handler,
    },
    {.name = NULL},
};

static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_CONTENT, run, is_wanted},
    {COHORT_PHASE_CONTENT, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
};

struct cohort_module coh_handler_module = {
    .api = COHORT_MODULE_API,
    .name = "handler",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
