/* What a Node worker asks to listen on, and the key by which both sides know
   it. */
#ifndef COH_SERVER_CHANNEL_NODE_QUERY_H
#define COH_SERVER_CHANNEL_NODE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/str.h>

struct coh_json;

/* The longest address: what a path may have. */
#define COH_NODE_ADDRESS_MAX 4096

/* The longest key, and room for a NUL. */
#define COH_NODE_KEY_MAX (COH_NODE_ADDRESS_MAX + 64)

/* JavaScript tells a member that is not there from one that is null, and so
   does the key. */
enum coh_node_presence {
    COH_NODE_ABSENT,
    COH_NODE_NULL,
    COH_NODE_GIVEN,
};

struct coh_node_number {
    enum coh_node_presence presence;
    int32_t value;
};

struct coh_node_text {
    enum coh_node_presence presence;
    struct cohort_str value;
};

enum coh_node_address_type {
    COH_NODE_TYPE_ABSENT,
    COH_NODE_TYPE_NULL, /* a descriptor */
    COH_NODE_TYPE_4,    /* IPv4; also when there is no address */
    COH_NODE_TYPE_6,
    COH_NODE_TYPE_LOCAL, /* -1 in the message: a unix path */
    COH_NODE_TYPE_UDP4,
    COH_NODE_TYPE_UDP6,
};

/* All zero asks for nothing: every member is absent. */
struct coh_node_query {
    struct coh_node_text address;   /* IP or absolute path; null: any */
    struct coh_node_number port;    /* -1: unix path; null: descriptor */
    struct coh_node_number fd;      /* of the primary; -1 for UDP */
    struct coh_node_number index;   /* counts a worker's listens per address */
    struct coh_node_number flags;   /* 1: IPv6 only */
    struct coh_node_number backlog; /* 0 or absent: the default, 511 */
    enum coh_node_address_type type;
    bool readable_all; /* mode bits of a unix path */
    bool writable_all;
    struct coh_json *data; /* what workers share (TLS ticket keys), or NULL;
                              the sender's, see coh_json_keep */
};

/*
 * The query that a message holds.
 *
 * message  Texts and data of the query point into it.
 * Returns  NULL; else what is wrong with it, to follow "its message ...".
 */
const char *coh_node_query_parse(
    struct coh_node_query *query, const struct coh_json *message);

/* Set the query's members in a message under construction; as coh_json_set. */
struct coh_json *coh_node_query_set(
    struct coh_json *message, const struct coh_node_query *query);

/* "ADDRESS:PORT:TYPE:FD:INDEX" as JavaScript writes it, NUL-terminated. Returns
   the size, or -EMSGSIZE when out of size bytes is too small. */
ssize_t coh_node_query_key(
    const struct coh_node_query *query, char *out, size_t size);

#endif
