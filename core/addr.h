/* Socket addresses: parsed, compared, printed. */
#ifndef COH_CORE_ADDR_H
#define COH_CORE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cohort/str.h>

#define COH_ADDR_TEXT_MAX 128 /* of coh_addr_format, NUL included */

struct coh_addr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } u;
    socklen_t size;
};

/*
 * "8000", "*:80", "127.0.0.1:80", "[::1]:80", "localhost:80", "127.0.0.1",
 * "unix:/path". Host names are resolved (blocking: at load only).
 *
 * default_port  Used where the text has none.
 * why           Set on failure to a text that completes "... in "TEXT"", and is
 *               fixed or good until the next failure.
 * Returns       0; -EINVAL; -ENOENT for a host that cannot be resolved;
 *               -ENAMETOOLONG for a unix path.
 */
int coh_addr_parse(
    struct cohort_str text, uint16_t default_port, struct coh_addr *addr,
    const char **why);

/* "127.0.0.1:80", "[::1]:80", "unix:/path". Returns out. */
const char *coh_addr_format(
    const struct coh_addr *addr, char out[COH_ADDR_TEXT_MAX]);

/* The host alone, as logs show it: "127.0.0.1", "::1", "unix:". */
const char *coh_addr_format_host(
    const struct coh_addr *addr, char out[COH_ADDR_TEXT_MAX]);

/* Is it one that can be: of a family that we know, of its size, a path ended by
   its only NUL? For what another process has sent. */
bool coh_addr_is_valid(const struct coh_addr *addr);

bool coh_addr_equal(const struct coh_addr *a, const struct coh_addr *b);

/* True for 0.0.0.0 and ::. */
bool coh_addr_is_wildcard(const struct coh_addr *addr);

/* 0 for unix sockets. */
uint16_t coh_addr_port(const struct coh_addr *addr);
void coh_addr_set_port(struct coh_addr *addr, uint16_t port);

/* getsockname and getpeername: 0 or -errno. */
int coh_addr_of_socket(int fd, struct coh_addr *addr);
int coh_addr_of_peer(int fd, struct coh_addr *addr);

#endif
