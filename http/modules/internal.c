/* internal: locations for internal redirects alone. */
#include "http/modules/internal.h"

#include <cohort/module/phase.h>

struct settings {
    bool is_internal;
};

static int
run(struct cohort_request *request, const void *settings)
{
    (void)settings;
    return cohort_request_is_internal(request) ? COHORT_PASS : 404;
}

static bool
is_wanted(const void *settings)
{
    return ((const struct settings *)settings)->is_internal;
}

static int
set_internal(struct cohort_conf *conf, void *settings)
{
    (void)conf;
    ((struct settings *)settings)->is_internal = true;
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "internal",
        .help = "Answer 404 to clients that ask for this location; error "
                "pages, index and try_files may lead to it.",
        .where = COHORT_IN_LOCATION,
        .args = {0, 0},
        .inherit = COHORT_INHERIT_NEVER,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, is_internal),
        .set = set_internal,
    },
    {.name = NULL},
};

static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_REWRITE, run, is_wanted},
    {COHORT_PHASE_REWRITE, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
};

struct cohort_module coh_internal_module = {
    .api = COHORT_MODULE_API,
    .name = "internal",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
