/* The request line: method, target, path and arguments. */
#include "http/request_line.h"

#include <string.h>

#include "core/str.h"
#include "http/host.h"
#include "http/settings.h"

static enum coh_method
method_of(struct cohort_str text)
{
    static const struct {
        struct cohort_str text;
        enum coh_method method;
    } methods[] = {
        {{"HEAD", 4}, COH_METHOD_HEAD},
        {{"POST", 4}, COH_METHOD_POST},
        {{"PUT", 3}, COH_METHOD_PUT},
        {{"DELETE", 6}, COH_METHOD_DELETE},
        {{"OPTIONS", 7}, COH_METHOD_OPTIONS},
        {{"PATCH", 5}, COH_METHOD_PATCH},
        {{"TRACE", 5}, COH_METHOD_TRACE},
        {{"CONNECT", 7}, COH_METHOD_CONNECT},
    };

    if (text.size == 3 && memcmp(text.data, "GET", 3) == 0) {
        return COH_METHOD_GET;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (coh_str_equal(text, methods[i].text)) {
            return methods[i].method;
        }
    }
    return COH_METHOD_OTHER;
}

void
coh_request_take_line(
    struct cohort_request *request, const struct coh_request_line *line)
{
    request->line = line->text;
    request->method_text = line->method;
    request->method = (uint8_t)method_of(line->method);
    request->target = line->target;
    request->version = (uint8_t)line->version;
}

/* "host:port", and nothing else. */
static enum coh_rule
read_connect_target(
    const struct cohort_request *request, struct coh_target *target)
{
    struct coh_host host;

    *target = (struct coh_target){
        .authority = request->target,
        .sent = request->target,
        .path = {"/", 1},
        .has_authority = true,
        .is_plain = true};
    if (coh_host_parse(request->target, &host) < 0 || host.port == 0) {
        return COH_RULE_CONNECT_TARGET;
    }
    return COH_RULE_NONE;
}

enum coh_rule
coh_request_read_target(
    struct cohort_request *request, struct coh_target *target)
{
    if (request->method == COH_METHOD_CONNECT) {
        return read_connect_target(request, target);
    }
    return coh_target_parse(request->target, target) < 0 ? COH_RULE_TARGET
                                                         : COH_RULE_NONE;
}

/* The path needs work: it gets a place of its own. */
static enum coh_rule
normalise_path(struct cohort_request *request, struct cohort_str raw)
{
    bool merge_slashes =
        coh_client_settings(request->routing.settings)->merge_slashes;
    char *out = cohort_request_alloc(request, raw.size);
    ssize_t size = coh_path_normalise(raw, merge_slashes, out);

    if (size < 0) {
        return COH_RULE_PATH;
    }
    request->uri = cohort_str_n(out, (size_t)size);
    return COH_RULE_NONE;
}

enum coh_rule
coh_request_take_target(
    struct cohort_request *request, const struct coh_target *target)
{
    request->target = target->sent;
    request->args = target->args;
    if (!target->is_plain) {
        return normalise_path(request, target->path);
    }
    request->uri = target->path;
    return COH_RULE_NONE;
}
