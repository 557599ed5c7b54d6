/* What handlers and modules may ask of a request (<cohort/http.h>). */
#include "http/request.h"

#include "core/log.h"
#include "core/str.h"
#include "http/address.h"
#include "http/peer.h"
#include "http/request_log.h"
#include "http/service.h"
#include "http/virtual_server.h"

struct cohort_str
cohort_request_method(const struct cohort_request *request)
{
    return request->method_text;
}

struct cohort_str
cohort_request_target(const struct cohort_request *request)
{
    return request->target;
}

struct cohort_str
cohort_request_path(const struct cohort_request *request)
{
    return request->uri;
}

struct cohort_str
cohort_request_args(const struct cohort_request *request)
{
    return request->args;
}

struct cohort_str
cohort_request_host(const struct cohort_request *request)
{
    return request->host;
}

int
cohort_request_version(const struct cohort_request *request)
{
    return request->version;
}

bool
cohort_request_header(
    const struct cohort_request *request, const char *name,
    struct cohort_str *value)
{
    struct cohort_str wanted = cohort_str(name);

    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct coh_header *header = &request->headers[i];

        if (coh_str_equal_nocase(
                coh_request_header_name(request, header), wanted)) {
            *value = coh_request_header_value(request, header);
            return true;
        }
    }
    return false;
}

void
cohort_request_each_header(
    const struct cohort_request *request,
    bool (*each)(struct cohort_str name, struct cohort_str value, void *user),
    void *user)
{
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct coh_header *header = &request->headers[i];

        if (!each(
                coh_request_header_name(request, header),
                coh_request_header_value(request, header), user)) {
            return;
        }
    }
}

const char *
cohort_request_peer(struct cohort_request *request)
{
    char room[COH_ADDR_TEXT_MAX];
    const char *text = coh_peer_text(request->connection, room);

    return text == room ? coh_arena_strdup(coh_request_arena(request), text)
                        : text;
}

const struct coh_addr *
coh_request_peer(struct cohort_request *request)
{
    struct coh_addr *addr = cohort_request_alloc(request, sizeof(*addr));

    coh_peer_address(request->connection, addr);
    return addr;
}

const struct coh_addr *
coh_request_local(struct cohort_request *request)
{
    struct coh_addr *addr = cohort_request_alloc(request, sizeof(*addr));

    if (coh_addr_of_socket(request->connection->stream.fd, addr) < 0) {
        *addr = request->connection->address->addr;
    }
    return addr;
}

void *
cohort_request_alloc(struct cohort_request *request, size_t size)
{
    return coh_arena_alloc(coh_request_arena(request), size);
}

void
cohort_request_defer(
    struct cohort_request *request, void (*call)(void *object), void *object)
{
    coh_arena_defer(coh_request_arena(request), call, object);
}
