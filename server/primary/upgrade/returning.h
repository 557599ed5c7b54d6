/* As process 1 of a container an old primary must not end: when it has drained,
   the process becomes the new primary itself, by exec, and gets everything back
   from the one that has proved itself meanwhile. */
#ifndef COH_PRIMARY_RETURNING_H
#define COH_PRIMARY_RETURNING_H

#include <stdbool.h>
#include <sys/types.h>

#include "server/process/binary.h"

struct coh_systemd_birth;
struct coh_upgrade;

struct coh_returning {
    int channel; /* to who has everything; -1: this process may end */
    pid_t other;
    struct coh_binary binary;
};

/* Must this process go on, when there is nothing left to do for it? */
bool coh_returning_is_due(const struct coh_upgrade *upgrade);

/* When there is nothing left to do here: must this process go on? If so the
   other one is asked to hand over. */
void coh_returning_prepare(
    struct coh_returning *returning, struct coh_upgrade *upgrade);

/* Execute the new binary, in this process. Returns if there is no need, or
   after a log line if it cannot be. */
void coh_returning_go(
    struct coh_returning *returning, const struct coh_systemd_birth *systemd);

#endif
