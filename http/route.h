/* From a host to its server, from a path to its location. */
#ifndef COH_HTTP_ROUTE_H
#define COH_HTTP_ROUTE_H

#include <cohort/str.h>

struct coh_address;
struct coh_location;
struct coh_virtual_server;

/* The server of an address that a host (lower case, without port, "" when the
   request has none) belongs to. Never NULL. */
const struct coh_virtual_server *coh_route_server(
    const struct coh_address *address, struct cohort_str host);

/* The location of a server for a decoded path; the server's root if no location
   has it. Never NULL. */
const struct coh_location *coh_route_location(
    const struct coh_virtual_server *server, struct cohort_str path);

/* The named one ("@x"), or NULL. */
const struct coh_location *coh_route_named(
    const struct coh_virtual_server *server, struct cohort_str name);

#endif
