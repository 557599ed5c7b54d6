/* What the files of the admin service share: its state, its handlers. */
#ifndef COH_ADMIN_INTERNAL_H
#define COH_ADMIN_INTERNAL_H

#include <sys/queue.h>

#include <cohort/http.h>

#include "server/admin/events.h"
#include "server/admin/service.h"

struct coh_question;
struct coh_route;

/* A route as it was registered. */
struct coh_admin_entry {
    struct coh_admin *admin;
    const struct coh_route *route;
};

struct coh_admin {
    struct coh_admin_link link; /* ask is NULL: not connected yet */
    LIST_HEAD(, coh_question) questions;
    uint64_t last_question;
    struct coh_admin_events events;
    struct coh_admin_entry *entries;
};

/* A handler of one method: returns a verdict. */
typedef int coh_admin_handler(
    struct coh_admin *admin, struct cohort_request *request);

/* A location and who answers what there. */
struct coh_route {
    const char *location;
    bool is_read_only; /* also behind addresses that are */
    coh_admin_handler *get;
    coh_admin_handler *post;
    coh_admin_handler *patch;
};

/* The handlers, by the file that they stand in. */
coh_admin_handler coh_status_get;
coh_admin_handler coh_config_get;
coh_admin_handler coh_healthz_get;
coh_admin_handler coh_readyz_get;
coh_admin_handler coh_workers_get;
coh_admin_handler coh_workers_post;
coh_admin_handler coh_worker_any;
coh_admin_handler coh_group_patch;
coh_admin_handler coh_reload_post;
coh_admin_handler coh_upgrade_post;
coh_admin_handler coh_reopen_post;
coh_admin_handler coh_quit_post;
coh_admin_handler coh_stop_post;
coh_admin_handler coh_events_get;
coh_admin_handler coh_metrics_get;

#endif
