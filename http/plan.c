/* Makes plans: asks each module of the registry, phase by phase, what it wants
   to do at a location. */
#include "http/plan.h"

#include "http/location.h"
#include "http/product.h"
#include "http/registry.h"
#include "http/rendered.h"
#include "http/request.h"
#include "http/settings.h"
#include "http/status.h"

/* Of filters, in an answer that is rendered at load. */
#define CONSTANT_FIELDS_MAX 32

/* While a plan is made. */
struct making {
    struct coh_arena *arena;
    const struct coh_location *location;
    struct coh_plan *plan;
    struct coh_plan_step *steps;
    const struct cohort_http_module *first; /* whose step runs first */
    const void *first_settings;
};

static const void *
settings_of(const struct making *making, const struct cohort_module *module)
{
    return module->settings_size > 0 ? making->location->settings[module->index]
                                     : NULL;
}

static bool
is_wanted(
    const struct cohort_phase_hook *hook, enum cohort_phase phase,
    const void *settings)
{
    return hook->phase == phase &&
        (!hook->is_wanted || hook->is_wanted(settings));
}

/* Called twice: to count (steps NULL), then to fill in. */
static uint16_t
add_phase(struct making *making, enum cohort_phase phase, uint16_t at)
{
    size_t i;
    const struct cohort_phase_hook *hook;

    for (i = 0; coh_http_modules[i]; i++) {
        const struct cohort_http_module *hooks =
            coh_http_hooks(coh_http_modules[i]);
        const void *settings = settings_of(making, coh_http_modules[i]);

        if (!hooks || !hooks->hooks) {
            continue;
        }
        for (hook = hooks->hooks; hook->run; hook++) {
            if (!is_wanted(hook, phase, settings)) {
                continue;
            }
            if (making->steps) {
                making->steps[at].run = hook->run;
                making->steps[at].settings = settings;
            }
            if (!making->first && phase >= COHORT_PHASE_REWRITE) {
                making->first = hooks;
                making->first_settings = settings;
            }
            at++;
        }
    }
    return at;
}

static uint16_t
add_phases(struct making *making)
{
    struct coh_plan *plan = making->plan;
    uint16_t at = 0;
    int phase;

    for (phase = 0; phase < COHORT_PHASE_COUNT; phase++) {
        if (phase == COHORT_PHASE_REWRITE) {
            plan->early_count = at;
        }
        if (phase == COHORT_PHASE_LOG) {
            plan->log_at = at;
        }
        if (phase >= COHORT_PHASE_REWRITE || !making->location->outer) {
            at = add_phase(making, (enum cohort_phase)phase, at);
        }
    }
    return at;
}

static void
add_filters(struct making *making)
{
    struct coh_plan *plan = making->plan;
    struct coh_plan_filter filters[UINT8_MAX];
    struct coh_plan_status hooks[UINT8_MAX];
    size_t i;

    for (i = 0; coh_http_modules[i] && i < UINT8_MAX; i++) {
        const struct cohort_http_module *of =
            coh_http_hooks(coh_http_modules[i]);
        const void *settings = settings_of(making, coh_http_modules[i]);

        if (of && of->head_filter &&
            (!of->head_filter->is_wanted ||
             of->head_filter->is_wanted(settings))) {
            filters[plan->filter_count].filter = of->head_filter;
            filters[plan->filter_count].settings = settings;
            plan->filter_count++;
        }
        if (of && of->status_hook &&
            (!of->status_hook->is_wanted ||
             of->status_hook->is_wanted(settings))) {
            hooks[plan->status_count].hook = of->status_hook;
            hooks[plan->status_count].settings = settings;
            plan->status_count++;
        }
    }
    plan->filters = coh_arena_copy(
        making->arena, filters, plan->filter_count * sizeof(filters[0]));
    plan->status_hooks = coh_arena_copy(
        making->arena, hooks, plan->status_count * sizeof(hooks[0]));
}

/* The fields that the filters add to every response of a status: how many were
   written, or -1 if they differ, or if there are too many. */
static int
list_constant_fields(
    const struct coh_plan *plan, int status,
    struct coh_field fields[CONSTANT_FIELDS_MAX])
{
    struct cohort_constant_field constant[CONSTANT_FIELDS_MAX];
    size_t count = 0;

    for (uint16_t i = 0; i < plan->filter_count; i++) {
        const struct coh_plan_filter *filter = &plan->filters[i];
        size_t added = filter->filter->constant
            ? filter->filter->constant(
                  filter->settings, status, constant, CONSTANT_FIELDS_MAX)
            : SIZE_MAX;

        if (added > CONSTANT_FIELDS_MAX ||
            added > CONSTANT_FIELDS_MAX - count) {
            return -1;
        }
        for (size_t j = 0; j < added; j++) {
            fields[count++] = (struct coh_field){
                .name = constant[j].name,
                .value = constant[j].value,
            };
        }
    }
    return (int)count;
}

/* The first step of the location ends every request in the same way, and what
   filters add is always the same. Where tcp_nodelay is off nothing is rendered,
   nor for a status that ends connections, so that rendered answers need not
   ask. */
static void
render_constant(struct making *making)
{
    void *const *settings = making->location->settings;
    const struct coh_response_settings *response =
        coh_response_settings(settings);
    const struct coh_client_settings *client = coh_client_settings(settings);
    struct coh_field fields[CONSTANT_FIELDS_MAX];
    struct coh_rendered_parts parts = {.fields = fields};
    struct cohort_constant answer;
    int field_count;

    if (!response->tcp_nodelay || !making->first || !making->first->constant ||
        !making->first->constant(making->first_settings, &answer) ||
        coh_status_ends_connection(coh_status_on_wire(answer.status))) {
        return;
    }
    field_count = list_constant_fields(making->plan, answer.status, fields);
    if (field_count < 0) {
        return;
    }
    parts.status = answer.status;
    parts.server = coh_product(response->server_tokens);
    parts.type = response->default_type;
    parts.field_count = (size_t)field_count;
    parts.body = answer.body;
    parts.keepalive_header_s = client->keepalive_header_s;
    parts.is_closing_always = client->keepalive_timeout_ms == 0;
    making->plan->rendered = coh_rendered_new(making->arena, &parts);
}

static void
keep_fields(struct making *making)
{
    struct coh_field fields[CONSTANT_FIELDS_MAX];
    int count = list_constant_fields(making->plan, 200, fields);

    if (count >= 0 &&
        coh_response_settings(making->location->settings)->tcp_nodelay) {
        making->plan->are_fields_constant = true;
        making->plan->field_count = (uint16_t)count;
        making->plan->fields = coh_arena_copy(
            making->arena, fields, (size_t)count * sizeof(fields[0]));
    }
}

void
coh_plan_make(struct coh_arena *arena, struct coh_location *location)
{
    struct making making = {.arena = arena, .location = location};
    uint16_t count;
    size_t i;

    making.plan = coh_arena_alloc(arena, sizeof(*making.plan));
    count = add_phases(&making);
    making.steps =
        coh_arena_alloc(arena, (count + 1U) * sizeof(making.steps[0]));
    making.plan->step_count = add_phases(&making);
    making.plan->steps = making.steps;
    add_filters(&making);
    keep_fields(&making);
    render_constant(&making);
    location->plan = making.plan;
    for (i = 0; i < location->inside_count; i++) {
        coh_plan_make(arena, location->inside[i]);
    }
}

void
coh_response_filter(struct cohort_request *request, int status)
{
    const struct coh_plan *plan = request->routing.location->plan;
    uint16_t i;

    for (i = 0; i < plan->filter_count; i++) {
        plan->filters[i].filter->run(
            request, plan->filters[i].settings, status);
    }
}
