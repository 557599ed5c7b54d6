/* How a process is, by what the kernel tells of it. */
#ifndef COH_PRIMARY_VITALS_H
#define COH_PRIMARY_VITALS_H

#include <stdint.h>
#include <sys/types.h>

struct coh_vitals {
    char state;   /* as in proc(5): R, S, D, T (stopped), t (traced), Z ... */
    uint64_t rss; /* resident memory, in bytes */
};

/* One short file of /proc, which never blocks. 0; -ENOENT: it is gone, or
   hidden from us. */
int coh_vitals_read(pid_t pid, struct coh_vitals *vitals);

#endif
