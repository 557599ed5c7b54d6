/* The admin directive: where the admin service listens. */
#ifndef COH_PROCESS_ADMIN_SETTINGS_H
#define COH_PROCESS_ADMIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include "core/addr.h"
#include "server/admin/frames.h"

/* Beside the pid file of the embedded configuration, else below the prefix. */
#define COH_ADMIN_SOCKET_NAME "cohort.sock"
#define COH_ADMIN_SOCKET_PATH "run/" COH_ADMIN_SOCKET_NAME

struct coh_admin_address {
    struct coh_addr address;
    mode_t mode;
    uid_t owner; /* of the socket's file; COH_ADMIN_NOBODY: the primary's */
    gid_t group;
    bool is_read_only;
    bool is_default; /* not in the configuration */
};

struct coh_admin_settings {
    bool is_off;
    struct coh_admin_address addresses[COH_ADMIN_ADDRESSES_MAX];
    size_t count;
};

extern struct cohort_module coh_admin_module;

/* The main context's, after coh_conf_load. */
const struct coh_admin_settings *coh_admin_settings_of(void *const *settings);

/* Where everything may be asked; NULL: nowhere. */
const struct coh_admin_address *coh_admin_door(
    const struct coh_admin_settings *settings);

#endif
