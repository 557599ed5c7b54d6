/* A host as clients name it: "Example.com.:8080", "[::1]". */
#ifndef COH_HTTP_HOST_H
#define COH_HTTP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_host {
    struct cohort_str name; /* points into the text; without a final dot */
    uint16_t port;          /* 0: none */
    bool has_upper;         /* the name must be made lower case */
};

/* RFC 3986's host and port. 0, or -EINVAL; an empty name is invalid. */
int coh_host_parse(struct cohort_str text, struct coh_host *host);

#endif
