/* From a head to a request. */
#include "http/request_head.h"

#include "core/str.h"
#include "http/address.h"
#include "http/body.h"
#include "http/host.h"
#include "http/route.h"
#include "http/settings.h"
#include "http/uri.h"
#include "http/virtual_server.h"

/* Fields that may stand once in a head. */
static const uint64_t once = UINT64_C(1) << COH_HEADER_HOST |
    UINT64_C(1) << COH_HEADER_IF_MODIFIED_SINCE |
    UINT64_C(1) << COH_HEADER_IF_UNMODIFIED_SINCE |
    UINT64_C(1) << COH_HEADER_IF_MATCH |
    UINT64_C(1) << COH_HEADER_IF_NONE_MATCH |
    UINT64_C(1) << COH_HEADER_CONTENT_LENGTH |
    UINT64_C(1) << COH_HEADER_CONTENT_RANGE |
    UINT64_C(1) << COH_HEADER_IF_RANGE |
    UINT64_C(1) << COH_HEADER_TRANSFER_ENCODING |
    UINT64_C(1) << COH_HEADER_EXPECT | UINT64_C(1) << COH_HEADER_AUTHORIZATION;

/* --- the request line ------------------------------------------------------ */

static enum coh_method
method_of(struct cohort_str text)
{
    static const struct {
        struct cohort_str text;
        enum coh_method method;
    } methods[] = {
        {{"GET", 3}, COH_METHOD_GET},
        {{"HEAD", 4}, COH_METHOD_HEAD},
        {{"POST", 4}, COH_METHOD_POST},
        {{"PUT", 3}, COH_METHOD_PUT},
        {{"DELETE", 6}, COH_METHOD_DELETE},
        {{"OPTIONS", 7}, COH_METHOD_OPTIONS},
        {{"PATCH", 5}, COH_METHOD_PATCH},
        {{"TRACE", 5}, COH_METHOD_TRACE},
        {{"CONNECT", 7}, COH_METHOD_CONNECT},
    };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (coh_str_equal(text, methods[i].text)) {
            return methods[i].method;
        }
    }
    return COH_METHOD_OTHER;
}

static void
take_line(struct cohort_request *request, const struct coh_h1_head *head)
{
    request->line = head->line.text;
    request->method_text = head->line.method;
    request->method = (uint8_t)method_of(head->line.method);
    request->target = head->line.target;
    request->version = (uint8_t)head->line.version;
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

static enum coh_rule
read_target(struct cohort_request *request, struct coh_target *target)
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

static enum coh_rule
take_target(struct cohort_request *request, const struct coh_target *target)
{
    request->target = target->sent;
    request->args = target->args;
    request->has_args = target->has_args;
    if (!target->is_plain) {
        return normalise_path(request, target->path);
    }
    request->uri = target->path;
    return COH_RULE_NONE;
}

/* --- host and server ------------------------------------------------------- */

static enum coh_rule
take_host(struct cohort_request *request, struct cohort_str text)
{
    struct coh_host host;

    if (coh_host_parse(text, &host) < 0) {
        return COH_RULE_HOST;
    }
    request->host = host.name;
    request->port = host.port;
    if (host.has_upper) {
        char *lower = cohort_request_alloc(request, host.name.size);

        for (size_t i = 0; i < host.name.size; i++) {
            lower[i] = coh_lower(host.name.data[i]);
        }
        request->host.data = lower;
    }
    return COH_RULE_NONE;
}

/* The target's host outranks the field, which must be valid all the same. */
static enum coh_rule
read_host(struct cohort_request *request, const struct coh_target *target)
{
    enum coh_rule rule = COH_RULE_NONE;

    if (coh_request_has(request, COH_HEADER_HOST)) {
        rule = take_host(request, coh_request_value(request, COH_HEADER_HOST));
    } else if (request->version == 11) {
        rule = COH_RULE_HOST_MISSING;
    }
    if (rule == COH_RULE_NONE && target->has_authority) {
        rule = take_host(request, target->authority);
    }
    return rule;
}

static void
choose_server(struct cohort_request *request)
{
    request->routing.server =
        coh_route_server(request->connection->address, request->host);
    coh_phases_begin(request);
}

/* --- limits ---------------------------------------------------------------- */

static uint64_t
line_max(const struct coh_client_settings *client)
{
    return client->large_header_size > client->client_header_buffer_size
        ? client->large_header_size
        : client->client_header_buffer_size;
}

static uint64_t
head_max(const struct coh_client_settings *client)
{
    uint64_t large = client->large_header_count * client->large_header_size;

    return large > client->client_header_buffer_size
        ? large
        : client->client_header_buffer_size;
}

static enum coh_rule
check_limits(
    const struct coh_client_settings *client, const struct coh_h1_head *head,
    size_t size)
{
    uint64_t max = line_max(client);

    if (head->line.text.size > max) {
        return COH_RULE_LINE_SIZE;
    }
    if (head->longest_field > max) {
        return COH_RULE_FIELD_SIZE;
    }
    if (size > head_max(client)) {
        return COH_RULE_HEAD_SIZE;
    }
    return head->field_count > client->max_headers ? COH_RULE_FIELD_COUNT
                                                   : COH_RULE_NONE;
}

/* The server that a head's Host names, if that has been received. */
static const struct coh_virtual_server *
server_of_unfinished(
    const struct coh_connection *connection, const struct coh_h1_head *head)
{
    struct coh_host host = {{NULL, 0}, 0, false};

    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct coh_header *slot = &head->slots[i];

        if (slot->id == COH_HEADER_HOST &&
            coh_host_parse(
                cohort_str_n(head->data + slot->value_at, slot->value_size),
                &host) == 0 &&
            !host.has_upper) {
            return coh_route_server(connection->address, host.name);
        }
    }
    return connection->address->default_server;
}

enum coh_rule
coh_request_check_unfinished(
    const struct coh_connection *connection, const struct coh_h1_head *head,
    size_t size)
{
    const struct coh_virtual_server *server;

    if (size <= COH_HEAD_ALWAYS_TAKEN) {
        return COH_RULE_NONE;
    }
    server = server_of_unfinished(connection, head);
    return check_limits(coh_client_settings(server->settings), head, size);
}

/* --- fields ---------------------------------------------------------------- */

/* Leave out fields that ignore_invalid_headers drops. */
static uint32_t
drop_odd_fields(
    const struct coh_client_settings *client, struct coh_header *slots,
    uint32_t count)
{
    unsigned dropped = 0;
    uint32_t kept = 0;

    if (client->ignore_invalid_headers) {
        dropped = COH_HEADER_HAS_OTHER;
        if (!client->underscores_in_headers) {
            dropped |= COH_HEADER_HAS_UNDERSCORE;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if ((slots[i].oddity & dropped) == 0) {
            slots[kept++] = slots[i];
        }
    }
    return kept;
}

static void
take_fields(struct cohort_request *request, const struct coh_h1_head *head)
{
    request->head = head->data;
    request->head_size = head->data_size;
    request->request_size = head->size;
    request->headers = head->slots;
    request->header_count = head->field_count;
    request->seen = head->seen;
}

static enum coh_rule
check_framing(const struct cohort_request *request)
{
    const struct coh_framing framing = {
        .seen = request->seen,
        .coding = coh_request_value(request, COH_HEADER_TRANSFER_ENCODING),
        .version = request->version,
    };

    return coh_guard_framing(&framing);
}

static bool
has_body(const llhttp_t *parser)
{
    return (parser->flags & F_CHUNKED) != 0 || parser->content_length > 0;
}

static bool
wants_keep_alive(const struct cohort_request *request, const llhttp_t *parser)
{
    if ((parser->flags & F_CONNECTION_CLOSE) != 0) {
        return false;
    }
    return request->version == 11 ||
        (parser->flags & F_CONNECTION_KEEP_ALIVE) != 0;
}

/* --- all of it ------------------------------------------------------------- */

/* What holds whichever server it is for. */
static enum coh_rule
read_meaning(
    struct cohort_request *request, const struct coh_h1_head *head,
    struct coh_target *target)
{
    enum coh_rule rule;

    if ((head->repeated & once) != 0) {
        return COH_RULE_FIELD_REPEATED;
    }
    rule = check_framing(request);
    if (rule == COH_RULE_NONE) {
        rule = read_target(request, target);
    }
    if (rule == COH_RULE_NONE) {
        rule = read_host(request, target);
    }
    return rule;
}

enum coh_rule
coh_request_read_head(struct cohort_request *request, struct coh_h1_head *head)
{
    const struct coh_client_settings *client;
    struct coh_target target;
    enum coh_rule rule;

    take_line(request, head);
    take_fields(request, head);
    rule = read_meaning(request, head, &target);
    if (rule != COH_RULE_NONE) {
        request->host = cohort_str("");
    }
    choose_server(request);
    if (rule != COH_RULE_NONE) {
        return rule;
    }
    client = coh_client_settings(request->routing.settings);
    rule = check_limits(client, head, head->size);
    if (rule == COH_RULE_NONE) {
        rule = take_target(request, &target);
    }
    if (rule != COH_RULE_NONE) {
        return rule;
    }
    if (head->has_odd) {
        request->header_count =
            drop_odd_fields(client, head->slots, head->field_count);
    }
    request->is_head_read = true;
    request->keep_alive = wants_keep_alive(request, &head->parser);
    if (has_body(&head->parser)) {
        coh_body_open(request, head);
    }
    return COH_RULE_NONE;
}

void
coh_request_begin_broken(
    struct cohort_request *request, const struct coh_h1_head *head)
{
    if (head->line.size > 0 && head->line.version != 0) {
        take_line(request, head);
    } else {
        request->version = 11;
        request->method = COH_METHOD_GET;
    }
    request->routing.server = request->connection->address->default_server;
    coh_phases_begin(request);
}
