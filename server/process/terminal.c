/* Standard error of daemons. */
#include "server/process/terminal.h"

#include <unistd.h>

#include "core/log.h"

void
coh_terminal_leave(const struct cohort_log *log)
{
    for (size_t i = 0; i < log->target_count; i++) {
        if (log->targets[i]->fd == STDERR_FILENO) {
            return;
        }
    }
    if (log->target_count > 0 && log->targets[0]->fd >= 0) {
        dup2(log->targets[0]->fd, STDERR_FILENO);
    }
}
