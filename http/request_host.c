/* The host of a request, and the server that it names. */
#include "http/request_host.h"

#include <string.h>

#include "core/str.h"
#include "http/address.h"
#include "http/host.h"
#include "http/route.h"
#include "http/scratch.h"
#include "http/service.h"

static const struct coh_virtual_server *
server_for(const struct cohort_request *request)
{
    return coh_route_server(request->connection->address, request->host);
}

/* --- what was read before ------------------------------------------------- */

static bool
recall(
    struct cohort_request *request, const struct coh_host_memo *memo,
    struct cohort_str text)
{
    if (memo->server == NULL || memo->size != text.size ||
        memo->address != request->connection->address ||
        memcmp(memo->text, text.data, text.size) != 0) {
        return false;
    }
    request->host = cohort_str_n(text.data, memo->name_size);
    request->port = memo->port;
    request->routing.server = memo->server;
    return true;
}

static void
keep(
    const struct cohort_request *request, struct coh_host_memo *memo,
    struct cohort_str text)
{
    if (text.size > sizeof(memo->text) || request->host.data != text.data) {
        return; /* too long, or made lower case */
    }
    memo->address = request->connection->address;
    memo->server = request->routing.server;
    memo->size = text.size;
    memo->name_size = request->host.size;
    memo->port = request->port;
    memcpy(memo->text, text.data, text.size);
}

/* --- reading -------------------------------------------------------------- */

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

/* The usual case: Host alone. */
static enum coh_rule
read_field(struct cohort_request *request)
{
    struct coh_host_memo *memo = &request->connection->http->scratch->host;
    struct cohort_str text = coh_request_value(request, COH_HEADER_HOST);
    enum coh_rule rule;

    if (recall(request, memo, text)) {
        return COH_RULE_NONE;
    }
    rule = take_host(request, text);
    if (rule == COH_RULE_NONE) {
        request->routing.server = server_for(request);
        keep(request, memo, text);
    }
    return rule;
}

static enum coh_rule
read_target(struct cohort_request *request, const struct coh_target *target)
{
    enum coh_rule rule = take_host(request, target->authority);

    if (rule == COH_RULE_NONE) {
        request->routing.server = server_for(request);
    }
    return rule;
}

enum coh_rule
coh_request_read_host(
    struct cohort_request *request, const struct coh_target *target)
{
    enum coh_rule rule = COH_RULE_NONE;

    request->routing.server = request->connection->address->default_server;
    if (coh_request_has(request, COH_HEADER_HOST)) {
        rule = read_field(request);
    } else if (request->version == 11) {
        rule = COH_RULE_HOST_MISSING;
    } else {
        request->routing.server = server_for(request);
    }
    if (rule == COH_RULE_NONE && target->has_authority) {
        rule = read_target(request, target);
    }
    if (rule != COH_RULE_NONE) {
        request->host = cohort_str("");
        request->routing.server = request->connection->address->default_server;
    }
    return rule;
}
