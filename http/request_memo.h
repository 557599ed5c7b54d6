/* What a head was found to mean, for when the same bytes come again. */
#ifndef COH_HTTP_REQUEST_MEMO_H
#define COH_HTTP_REQUEST_MEMO_H

#include <stdbool.h>
#include <stdint.h>

struct coh_address;
struct coh_virtual_server;
struct cohort_request;

/* A text in a head. */
struct coh_head_span {
    uint32_t at;
    uint32_t size;
};

/*
 * Of the last request without a body that kept every rule; the rules are the
 * same ones for the same bytes that came to the same address. Texts that are
 * not in the head as they are, such as a decoded path, are not remembered.
 */
struct coh_request_memo {
    uint64_t head_number; /* 0: nothing is known */
    const struct coh_address *address;
    const struct coh_virtual_server *server;
    struct coh_head_span target;
    struct coh_head_span uri;
    struct coh_head_span args;
    struct coh_head_span host;
    uint16_t port;
    bool keep_alive;
};

/* Fill in target, uri, args, host, port, routing.server and keep_alive of a
   request whose head is known. False: it is not. */
bool coh_request_recall(struct cohort_request *request);

/* Of a request that has all these, and neither a body nor dropped fields. */
void coh_request_remember(const struct cohort_request *request);

#endif
