/* What the frames that processes exchange hold, beyond
   server/channel/message.h. */
#ifndef COH_PROCESS_FRAMES_H
#define COH_PROCESS_FRAMES_H

#include <stdint.h>
#include <sys/socket.h>

#include <cohort/cluster.h>
#include <cohort/cohort.h>

#include "core/fdpass.h"
#include "core/log.h"
#include "server/process/group.h"
#include "server/process/settings.h"
#include "server/process/transition.h"
#include "server/process/upkeep.h"

#define COH_FRAME_PATH_MAX 4095 /* bytes, without NUL */

/* No file: standard error. */
#define COH_FRAME_STDERR UINT32_MAX

/* COH_FRAME_SETTINGS: what the primary must know; the pid path follows. */
struct coh_frame_settings {
    uint32_t worker_processes;
    uint32_t worker_processes_max;
    uint64_t reload_timeout_ms;
    uint64_t shutdown_timeout_ms;
    uint32_t policy; /* enum cohort_policy, of addresses that name none */
    uint32_t takes_messages; /* the service has an entry for them */
    uint32_t sandbox;        /* enum coh_sandbox */
    uint32_t is_daemon;
    uint32_t log_count;
    struct {
        uint32_t file; /* index of the file, or COH_FRAME_STDERR */
        uint32_t level;
    } logs[COH_LOG_TARGETS_MAX]; /* the main context's error logs */
    struct coh_upkeep upkeep;    /* of the group main */
    struct coh_transition transition;
};

#define COH_FRAME_GROUP_TEXTS_MAX (256 * 1024) /* bytes */

/*
 * COH_FRAME_GROUP: a worker group. Texts follow, a NUL behind each of them: the
 * group's name, the program, its folder ("" for the primary's), then as many as
 * there are of each: words for it (exec_args first), variables, entries of
 * stdio (the path of a file, else ""), names of addresses.
 */
struct coh_frame_group {
    uint32_t processes;
    uint32_t protocol;      /* enum cohort_protocol */
    uint32_t serialization; /* enum cohort_serialization */
    uint32_t policy;        /* enum cohort_policy; DEFAULT: whatever is */
    uint32_t respawn;       /* enum coh_group_respawn */
    uint32_t is_silent;
    uint32_t inspect_port; /* 0: none */
    uint32_t has_identity;
    uint32_t user;
    uint32_t group;
    uint32_t group_count;
    uint32_t groups[COH_GROUPS_MAX];
    struct coh_upkeep upkeep;
    uint32_t exec_arg_count;
    uint32_t arg_count;
    uint32_t variable_count;
    uint32_t stdio_count;
    uint32_t stdio[COHORT_STDIO_MAX]; /* enum cohort_stdio_kind */
    uint32_t listen_count;
    struct {
        struct sockaddr_storage address;
        uint32_t address_size;
        struct cohort_listen_options options;
    } listens[COH_GROUP_LISTENS_MAX];
};

/* COH_FRAME_LOADED. */
struct coh_frame_loaded {
    uint64_t digest; /* of all files that were read, by name and content */
};

/* COH_FRAME_REOPEN: as many descriptors as count, in the order of files. */
struct coh_frame_reopen {
    uint32_t count;
    uint32_t files[COH_FDPASS_MAX]; /* indexes; those beyond count are zero */
};

#endif
