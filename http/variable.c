/* Variables: all tables in order, the uses of a configuration, and the values
   that a request has of them. */
#include "http/variable.h"

#include <string.h>

#include "core/str.h"
#include "http/registry.h"
#include "http/request.h"
#include "http/virtual_server.h"

struct kept_value {
    struct cohort_str text;
    bool is_known;
    bool has_value;
};

/* A request's values, by the index of their use. */
struct coh_text_values {
    size_t count;
    struct kept_value values[];
};

/* --- at load -------------------------------------------------------------- */

/* "arg_" has all that begins so, "arg_" itself included. */
static bool
has_name(const struct cohort_variable *variable, struct cohort_str name)
{
    struct cohort_str own = cohort_str(variable->name);

    return coh_str_equal(own, name) ||
        (coh_str_ends_with(own, COH_STR("_")) &&
         coh_str_starts_with(name, own));
}

static const struct cohort_variable *
find_in(const struct cohort_variable *table, struct cohort_str name)
{
    for (; table && table->name; table++) {
        if (has_name(table, name)) {
            return table;
        }
    }
    return NULL;
}

static const struct cohort_variable *
find_variable(struct cohort_str name)
{
    static const struct cohort_variable *const tables[] = {
        coh_variables_of_request,
        coh_variables_of_field,
        coh_variables_of_connection,
        coh_variables_of_response,
    };
    const struct cohort_variable *found = NULL;
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]) && !found; i++) {
        found = find_in(tables[i], name);
    }
    for (i = 0; coh_http_modules[i] && !found; i++) {
        const struct cohort_http_module *hooks =
            coh_http_hooks(coh_http_modules[i]);

        found = hooks ? find_in(hooks->variables, name) : NULL;
    }
    return found;
}

static struct cohort_str
lower_copy(struct cohort_conf *conf, struct cohort_str text)
{
    char *copy = cohort_conf_alloc(conf, text.size + 1);
    size_t i;

    for (i = 0; i < text.size; i++) {
        copy[i] = coh_lower(text.data[i]);
    }
    return cohort_str_n(copy, text.size);
}

const struct coh_variable_use *
coh_variable_use(struct cohort_conf *conf, struct cohort_str name)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct cohort_str lower = lower_copy(conf, name);
    const struct cohort_variable *variable = find_variable(lower);
    struct coh_variable_use **place;
    struct cohort_str rest;

    if (!variable || !block) {
        return NULL;
    }
    rest = coh_str_from(lower, strlen(variable->name));
    place = &block->uses;
    while (*place &&
           ((*place)->variable != variable ||
            !coh_str_equal((*place)->rest, rest))) {
        place = &(*place)->next;
    }
    if (!*place) {
        *place = cohort_conf_alloc(conf, sizeof(**place));
        (*place)->variable = variable;
        (*place)->rest = rest;
        (*place)->index = block->use_count;
        block->use_count++;
    }
    return *place;
}

/* --- for a request -------------------------------------------------------- */

static struct kept_value *
kept_value(struct cohort_request *request, size_t index)
{
    struct coh_text_values *values = request->routing.values;

    if (!values) {
        size_t count = request->routing.server->block->use_count;

        values = coh_arena_alloc(
            coh_request_arena(request),
            sizeof(*values) + count * sizeof(values->values[0]));
        values->count = count;
        request->routing.values = values;
    }
    return &values->values[index];
}

static bool
get(const struct coh_variable_use *use, struct cohort_request *request,
    struct cohort_str *value)
{
    *value = cohort_str_n("", 0);
    return use->variable->get(request, use->rest, value);
}

bool
coh_variable_value(
    const struct coh_variable_use *use, struct cohort_request *request,
    struct cohort_str *value)
{
    struct kept_value *kept;

    if (use->variable->is_volatile) {
        return get(use, request, value);
    }
    kept = kept_value(request, use->index);
    if (!kept->is_known) {
        kept->has_value = get(use, request, value);
        /* A copy: the head may move before the value is used again. */
        kept->text = coh_arena_str(coh_request_arena(request), *value);
        kept->is_known = true;
    }
    *value = kept->text;
    return kept->has_value;
}

/* --- for getters ---------------------------------------------------------- */

struct cohort_str
coh_variable_number(struct cohort_request *request, uint64_t number)
{
    char *text = cohort_request_alloc(request, 20);

    return cohort_str_n(text, coh_u64_format(text, number));
}

struct cohort_str
coh_variable_seconds(struct cohort_request *request, uint64_t ms)
{
    char *text = cohort_request_alloc(request, 24);
    size_t size = coh_u64_format(text, ms / 1000);

    text[size] = '.';
    text[size + 1] = (char)('0' + ms / 100 % 10);
    text[size + 2] = (char)('0' + ms / 10 % 10);
    text[size + 3] = (char)('0' + ms % 10);
    return cohort_str_n(text, size + 4);
}

/* Twice as much room as is needed: a client that sends many fields shall not
   make us copy each as often. */
static void
make_room(
    struct coh_variable_list *list, struct cohort_request *request, size_t size)
{
    if (size > list->room) {
        list->room = 2 * size;
        list->copy = cohort_request_alloc(request, list->room);
        memcpy(list->copy, list->text.data, list->text.size);
    }
}

void
coh_variable_list_add(
    struct coh_variable_list *list, struct cohort_request *request,
    struct cohort_str separator, struct cohort_str value)
{
    size_t size = list->text.size + separator.size + value.size;
    char *end;

    if (!list->has_value) {
        list->has_value = true;
        list->text = value;
        return;
    }
    make_room(list, request, size);
    end = mempcpy(list->copy + list->text.size, separator.data, separator.size);
    memcpy(end, value.data, value.size);
    list->text = cohort_str_n(list->copy, size);
}

bool
coh_variable_is_field(struct cohort_str name, struct cohort_str wanted)
{
    size_t i;

    for (i = 0; i < name.size && name.size == wanted.size; i++) {
        char c = name.data[i] == '-' ? '_' : coh_lower(name.data[i]);

        if (c != wanted.data[i]) {
            return false;
        }
    }
    return name.size == wanted.size;
}
