/* What the kernel tells of another process. */
#ifndef COH_ADMIN_PROCESS_H
#define COH_ADMIN_PROCESS_H

#include <stdint.h>

struct coh_process_usage {
    uint64_t cpu_ms; /* user and system, since its start */
    uint64_t rss;    /* resident memory, in bytes */
};

/* 0; -ENOENT: it is gone, or hidden from us. */
int coh_process_usage(int32_t pid, struct coh_process_usage *usage);

#endif
