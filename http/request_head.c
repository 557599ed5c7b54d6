/* From a head to a request. */
#include "http/request_head.h"

#include "core/str.h"
#include "http/address.h"
#include "http/body.h"
#include "http/request_host.h"
#include "http/request_limits.h"
#include "http/request_line.h"
#include "http/request_memo.h"
#include "http/settings.h"

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

/* --- fields --------------------------------------------------------------- */

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
    request->head_number = head->memo_size > 0 ? head->memo_number : 0;
}

static enum coh_rule
check_framing(const struct cohort_request *request)
{
    struct coh_framing framing = {
        .seen = request->seen,
        .version = request->version,
    };

    if (!coh_request_has(request, COH_HEADER_TRANSFER_ENCODING)) {
        return COH_RULE_NONE;
    }
    framing.coding = coh_request_value(request, COH_HEADER_TRANSFER_ENCODING);
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

/* --- all of it ------------------------------------------------------------ */

/* What holds whichever server it is for; that one is chosen in any case. */
static enum coh_rule
read_meaning(
    struct cohort_request *request, const struct coh_h1_head *head,
    struct coh_target *target)
{
    enum coh_rule rule = COH_RULE_NONE;
    enum coh_rule host_rule;

    target->has_authority = false;
    if ((head->repeated & once) != 0) {
        rule = COH_RULE_FIELD_REPEATED;
    }
    if (rule == COH_RULE_NONE) {
        rule = check_framing(request);
    }
    if (rule == COH_RULE_NONE) {
        rule = coh_request_read_target(request, target);
    }
    host_rule = coh_request_read_host(request, target);
    return rule != COH_RULE_NONE ? rule : host_rule;
}

/* What its server says about it. */
static enum coh_rule
apply_settings(
    struct cohort_request *request, struct coh_h1_head *head,
    const struct coh_target *target)
{
    const struct coh_client_settings *client =
        coh_client_settings(request->routing.settings);
    enum coh_rule rule = coh_request_check_limits(client, head);

    if (rule == COH_RULE_NONE) {
        rule = coh_request_take_target(request, target);
    }
    if (head->has_odd) {
        request->header_count =
            drop_odd_fields(client, head->slots, head->field_count);
    }
    return rule;
}

static enum coh_rule
read_new_head(struct cohort_request *request, struct coh_h1_head *head)
{
    struct coh_target target;
    enum coh_rule rule = read_meaning(request, head, &target);

    coh_phases_begin(request);
    if (rule == COH_RULE_NONE) {
        rule = apply_settings(request, head, &target);
    }
    if (rule != COH_RULE_NONE) {
        return rule;
    }
    request->keep_alive = wants_keep_alive(request, &head->parser);
    if (has_body(&head->parser)) {
        coh_body_open(request, head);
    } else if (!head->has_odd) {
        coh_request_remember(request);
    }
    return COH_RULE_NONE;
}

enum coh_rule
coh_request_read_head(struct cohort_request *request, struct coh_h1_head *head)
{
    enum coh_rule rule = COH_RULE_NONE;

    coh_request_take_line(request, &head->line);
    take_fields(request, head);
    if (coh_request_recall(request)) {
        coh_phases_begin(request);
    } else {
        rule = read_new_head(request, head);
    }
    request->is_head_read = rule == COH_RULE_NONE;
    return rule;
}

/* There is no head that coh_request_keep() could move. */
static void
copy_line(struct cohort_request *request, const struct coh_request_line *line)
{
    struct coh_arena *arena = coh_request_arena(request);
    const struct coh_request_line copy = {
        .text = coh_arena_str(arena, line->text),
        .method = coh_arena_str(arena, line->method),
        .target = coh_arena_str(arena, line->target),
        .version = line->version,
    };

    coh_request_take_line(request, &copy);
}

void
coh_request_begin_broken(
    struct cohort_request *request, const struct coh_h1_head *head)
{
    if (head->line.size > 0 && head->line.version != 0) {
        copy_line(request, &head->line);
    } else {
        request->version = 11;
        request->method = COH_METHOD_GET;
    }
    request->routing.server = request->connection->address->default_server;
    coh_phases_begin(request);
}
