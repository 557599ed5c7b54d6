/* What a worker asks to listen on. */
#ifndef COH_CLUSTER_QUERY_H
#define COH_CLUSTER_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/cluster.h>

#include "core/addr.h"

/* Flat: it travels in a frame as it is. */
struct coh_query {
    struct coh_addr address; /* size 0 with a descriptor */
    uint32_t ordinal;        /* with port 0: which of the worker's listens */
    int32_t fd;              /* of the primary; -1: by address */
    bool has_host;           /* else address is a wildcard: IPv6 if there is */
    bool is_udp;
    struct cohort_listen_options options;
};

/*
 * The query of a text: "127.0.0.1:8000", "8000", "0", "unix:/path".
 *
 * why      Set on failure to a fixed text that completes "... in "TEXT"".
 * Returns  0; -EINVAL and others, as coh_addr_parse. May block on a name.
 */
int coh_query_parse(
    const char *text, const struct cohort_listen_settings *settings,
    struct coh_query *query, const char **why);

/* Is it one that can be? For what comes over a channel. */
bool coh_query_is_valid(const struct coh_query *query);

/* Do both ask for the same socket? Port 0 is told apart by the ordinal. */
bool coh_query_is_same(
    const struct coh_query *one, const struct coh_query *other);

/*
 * The argument of the event listening.
 *
 * bound  Where the socket is; its port counts.
 * host   Where address->host points.
 */
void coh_query_describe(
    const struct coh_query *query, const struct coh_addr *bound,
    struct cohort_address *address, char host[COH_ADDR_TEXT_MAX]);

#endif
