/* Conditional requests: first the conditions that protect what the client would
   overwrite or combine, then those that save sending what it has. */
#include "http/conditional.h"

#include <cohort/module/date.h>

#include "core/str.h"
#include "http/settings.h"

static bool
is_weak(struct cohort_str etag)
{
    return coh_str_starts_with(etag, COH_STR("W/"));
}

static struct cohort_str
opaque_part(struct cohort_str etag)
{
    return coh_str_from(etag, is_weak(etag) ? 2 : 0);
}

/* The next element of a list, quotes included; *rest moves behind its comma. A
   comma between quotes belongs to the tag. */
static struct cohort_str
next_tag(struct cohort_str *rest)
{
    struct cohort_str tag;
    bool is_quoted = false;
    size_t end;

    for (end = 0; end < rest->size; end++) {
        if (rest->data[end] == '"') {
            is_quoted = !is_quoted;
        } else if (rest->data[end] == ',' && !is_quoted) {
            break;
        }
    }
    tag = coh_str_trim(coh_str_cut(*rest, 0, end));
    *rest = coh_str_from(*rest, end < rest->size ? end + 1 : end);
    return tag;
}

/* Strong: neither may be weak. */
static bool
has_tag(struct cohort_str list, struct cohort_str etag, bool is_strong)
{
    struct cohort_str rest = list;

    if (coh_str_is(coh_str_trim(list), "*")) {
        return true;
    }
    if (etag.size == 0 || (is_strong && is_weak(etag))) {
        return false;
    }
    while (rest.size > 0) {
        struct cohort_str tag = next_tag(&rest);

        if (is_strong && is_weak(tag)) {
            continue;
        }
        if (coh_str_equal(opaque_part(tag), opaque_part(etag))) {
            return true;
        }
    }
    return false;
}

static bool
is_fulfilled(
    const struct coh_conditions *conditions,
    const struct coh_validators *validators)
{
    time_t since;

    if (conditions->if_unmodified_since.data &&
        cohort_http_date_parse(conditions->if_unmodified_since, &since) &&
        validators->modified > since) {
        return false;
    }
    return !conditions->if_match.data ||
        has_tag(conditions->if_match, validators->etag, true);
}

static bool
is_modified(
    const struct coh_conditions *conditions,
    const struct coh_validators *validators)
{
    time_t since;

    if (conditions->modified_since == COH_MODIFIED_SINCE_OFF ||
        !cohort_http_date_parse(conditions->if_modified_since, &since)) {
        return true;
    }
    if (conditions->modified_since == COH_MODIFIED_SINCE_EXACT) {
        return validators->modified != since;
    }
    return validators->modified > since;
}

int
coh_conditional_status(
    const struct coh_conditions *conditions,
    const struct coh_validators *validators)
{
    bool has_none_match = conditions->if_none_match.data;
    bool has_since = conditions->if_modified_since.data;

    if (!is_fulfilled(conditions, validators)) {
        return 412;
    }
    if (!has_none_match && !has_since) {
        return 200;
    }
    if ((has_since && is_modified(conditions, validators)) ||
        (has_none_match &&
         !has_tag(conditions->if_none_match, validators->etag, false))) {
        return 200;
    }
    return 304;
}

bool
coh_if_range_allows(
    struct cohort_str if_range, const struct coh_validators *validators)
{
    time_t since;

    if (coh_str_ends_with(if_range, COH_STR("\""))) {
        return !is_weak(if_range) && !is_weak(validators->etag) &&
            coh_str_equal(if_range, validators->etag);
    }
    return cohort_http_date_parse(if_range, &since) &&
        since == validators->modified;
}
