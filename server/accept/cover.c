/* Wildcards that cover specific addresses. */
#include "server/accept/listener.h"

static bool
covers(
    const struct coh_listen_request *one,
    const struct coh_listen_request *other)
{
    return one->address.u.any.sa_family != AF_UNIX &&
        !other->options.is_bound &&
        one->address.u.any.sa_family == other->address.u.any.sa_family &&
        coh_addr_is_wildcard(&one->address) &&
        coh_addr_port(&one->address) == coh_addr_port(&other->address);
}

size_t
coh_listen_cover(
    const struct coh_listen_request *requests, size_t count, size_t index)
{
    const struct coh_listen_request *request = &requests[index];

    for (size_t i = 0; i < index; i++) {
        if (coh_addr_equal(&requests[i].address, &request->address)) {
            return coh_listen_cover(requests, count, i);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!coh_addr_equal(&requests[i].address, &request->address) &&
            covers(&requests[i], request)) {
            return i;
        }
    }
    return index;
}
