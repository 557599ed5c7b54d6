/* How large a head may be: large_client_header_buffers, max_headers. */
#include "http/request_limits.h"

#include "core/str.h"
#include "http/address.h"
#include "http/host.h"
#include "http/route.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* No limit is smaller than this (http/settings_client.c). */
#define ALWAYS_TAKEN 32

static uint64_t
larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t
coh_request_head_max(const struct coh_client_settings *client)
{
    return larger(
        client->large_header_count * client->large_header_size,
        client->client_header_buffer_size);
}

static enum coh_rule
check(
    const struct coh_client_settings *client, const struct coh_h1_head *head,
    size_t size)
{
    uint64_t line_max =
        larger(client->large_header_size, client->client_header_buffer_size);
    uint64_t head_max = coh_request_head_max(client);

    /* What is no larger than a line may be has no larger line in it. */
    if (size <= line_max && size <= head_max) {
        return head->field_count > client->max_headers ? COH_RULE_FIELD_COUNT
                                                       : COH_RULE_NONE;
    }
    if (head->line.text.size > line_max) {
        return COH_RULE_LINE_SIZE;
    }
    if (head->longest_field > line_max) {
        return COH_RULE_FIELD_SIZE;
    }
    if (size > head_max) {
        return COH_RULE_HEAD_SIZE;
    }
    return head->field_count > client->max_headers ? COH_RULE_FIELD_COUNT
                                                   : COH_RULE_NONE;
}

enum coh_rule
coh_request_check_limits(
    const struct coh_client_settings *client, const struct coh_h1_head *head)
{
    return check(client, head, head->size);
}

/* Longer ones are names of no host. */
#define HOST_SIZE_MAX 256

static const struct coh_virtual_server *
server_of_host(const struct coh_connection *connection, struct cohort_str host)
{
    char lower[HOST_SIZE_MAX];

    if (host.size > sizeof(lower)) {
        return connection->address->default_server;
    }
    for (size_t i = 0; i < host.size; i++) {
        lower[i] = coh_lower(host.data[i]);
    }
    return coh_route_server(
        connection->address, cohort_str_n(lower, host.size));
}

/* The server that a head's Host names, if that has been received. */
static const struct coh_virtual_server *
server_of_unfinished(
    const struct coh_connection *connection, const struct coh_h1_head *head)
{
    struct coh_host host;

    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct coh_header *slot = &head->slots[i];

        if (slot->id == COH_HEADER_HOST &&
            coh_host_parse(
                cohort_str_n(head->data + slot->value_at, slot->value_size),
                &host) == 0) {
            return server_of_host(connection, host.name);
        }
    }
    return connection->address->default_server;
}

enum coh_rule
coh_request_check_unfinished(
    struct coh_connection *connection, const struct coh_h1_head *head,
    size_t size)
{
    const struct coh_client_settings *client;
    enum coh_rule rule;

    if (size <= ALWAYS_TAKEN) {
        return COH_RULE_NONE;
    }
    client =
        coh_client_settings(server_of_unfinished(connection, head)->settings);
    rule = check(client, head, size);
    if (rule == COH_RULE_NONE &&
        size > coh_request_head_max(connection->client)) {
        connection->client = client;
    }
    return rule;
}
