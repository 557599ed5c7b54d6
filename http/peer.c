/* Who the client of a connection is: asked once, kept in few bytes. */
#include "http/peer.h"

#include <string.h>

#define FAMILY_NOT_ASKED 0
#define FAMILY_UNKNOWN 255 /* asked, and there was no answer */

static void
take_v4(struct coh_peer *peer, const struct sockaddr_in *address)
{
    peer->port = ntohs(address->sin_port);
    memcpy(peer->bytes, &address->sin_addr, sizeof(address->sin_addr));
}

static void
take_v6(struct coh_peer *peer, const struct sockaddr_in6 *address)
{
    peer->port = ntohs(address->sin6_port);
    memcpy(peer->bytes, &address->sin6_addr, sizeof(address->sin6_addr));
}

static void
give(const struct coh_peer *peer, struct coh_addr *addr)
{
    *addr = (struct coh_addr){.size = sizeof(sa_family_t)};
    addr->u.any.sa_family = AF_UNSPEC;
    if (peer->family == AF_UNIX) {
        addr->u.any.sa_family = AF_UNIX;
    } else if (peer->family == AF_INET) {
        addr->size = sizeof(addr->u.v4);
        addr->u.v4.sin_family = AF_INET;
        addr->u.v4.sin_port = htons(peer->port);
        memcpy(&addr->u.v4.sin_addr, peer->bytes, sizeof(addr->u.v4.sin_addr));
    } else if (peer->family == AF_INET6) {
        addr->size = sizeof(addr->u.v6);
        addr->u.v6.sin6_family = AF_INET6;
        addr->u.v6.sin6_port = htons(peer->port);
        memcpy(
            &addr->u.v6.sin6_addr, peer->bytes, sizeof(addr->u.v6.sin6_addr));
    }
}

static void
keep_text(struct coh_peer *peer)
{
    char text[COH_ADDR_TEXT_MAX];
    struct coh_addr addr;
    size_t size;

    give(peer, &addr);
    coh_addr_format_host(&addr, text);
    size = strlen(text);
    if (size < sizeof(peer->text)) {
        memcpy(peer->text, text, size + 1);
        peer->text_size = (uint8_t)size;
    }
}

static void
ask(struct coh_connection *connection)
{
    struct coh_peer *peer = &connection->peer;
    struct coh_addr addr;

    peer->family = FAMILY_UNKNOWN;
    if (coh_addr_of_peer(connection->stream.fd, &addr) < 0) {
        return;
    }
    peer->family = (uint8_t)addr.u.any.sa_family;
    if (peer->family == AF_INET) {
        take_v4(peer, &addr.u.v4);
    } else if (peer->family == AF_INET6) {
        take_v6(peer, &addr.u.v6);
    }
    keep_text(peer);
}

void
coh_peer_address(struct coh_connection *connection, struct coh_addr *addr)
{
    if (connection->peer.family == FAMILY_NOT_ASKED) {
        ask(connection);
    }
    give(&connection->peer, addr);
}

const char *
coh_peer_text(struct coh_connection *connection, char out[COH_ADDR_TEXT_MAX])
{
    struct coh_addr addr;

    if (connection->peer.text_size > 0) {
        return connection->peer.text;
    }
    coh_peer_address(connection, &addr);
    if (connection->peer.family == FAMILY_UNKNOWN) {
        return "-";
    }
    if (connection->peer.text_size > 0) {
        return connection->peer.text;
    }
    return coh_addr_format_host(&addr, out);
}
