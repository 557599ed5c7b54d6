/* What the frames that processes exchange hold, beyond
   server/channel/message.h. */
#ifndef COH_PROCESS_FRAMES_H
#define COH_PROCESS_FRAMES_H

#include <stdint.h>

#include "core/fdpass.h"
#include "core/log.h"
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
    uint32_t is_daemon;
    uint32_t log_count;
    struct {
        uint32_t file; /* index of the file, or COH_FRAME_STDERR */
        uint32_t level;
    } logs[COH_LOG_TARGETS_MAX]; /* the main context's error logs */
    struct coh_upkeep upkeep;    /* of the group main */
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
