/* The admin service: HTTP requests become questions to the primary, its answers
   become JSON.

   It is a program over <cohort/http.h>, as anybody could write it; how frames
   reach the primary is its caller's business. */
#ifndef COH_ADMIN_SERVICE_H
#define COH_ADMIN_SERVICE_H

#include <stddef.h>

#include <cohort/cohort.h>

#include "server/admin/frames.h"

struct coh_admin;

/* Its servers, in the order of its listening addresses: who is led where is
   decided when a client connects. */
enum coh_admin_door {
    COH_ADMIN_FORBIDDEN, /* 403 for everything */
    COH_ADMIN_READ_ONLY, /* metrics and probes */
    COH_ADMIN_OPEN,
    COH_ADMIN_DOOR_COUNT,
};

/* The way to the primary. */
struct coh_admin_link {
    /* data goes behind the frame. 0 or -errno. */
    int (*ask)(
        void *user, const struct coh_frame_ask *frame, struct cohort_str data);
    void *user;
};

/* Never NULL. */
struct coh_admin *coh_admin_new(void);
void coh_admin_free(struct coh_admin *admin);

/* Register handlers and addresses. 0 or -errno. */
int coh_admin_register(struct coh_admin *admin, struct cohort *cohort);

/* Questions go this way; link is copied. */
void coh_admin_connect(
    struct coh_admin *admin, const struct coh_admin_link *link);

/* Frames of the primary, head included; their sizes are checked here. fd stays
   the caller's; -1: none. */
void coh_admin_part(
    struct coh_admin *admin, const void *data, size_t size, int fd);
void coh_admin_outcome(struct coh_admin *admin, const void *data, size_t size);
void coh_admin_event(struct coh_admin *admin, const void *data, size_t size);

/* End what would go on for ever: the helper is to leave. */
void coh_admin_drain(struct coh_admin *admin);

#endif
