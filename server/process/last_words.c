/* A pipe in the place of standard error, for as long as a worker starts. */
#include "server/process/last_words.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "core/log.h"

static int standard = -1; /* error, as it was; -1: it is that */
static struct cohort_log *speaking_log;
static struct coh_log_target speaker_target = {.fd = STDERR_FILENO};

static bool
has_standard_error(const struct cohort_log *log)
{
    for (size_t i = 0; i < log->target_count; i++) {
        if (log->targets[i]->fd == STDERR_FILENO) {
            return true;
        }
    }
    return log->target_count == 0; /* its parent's then */
}

void
coh_last_words_begin(int speaker, struct cohort_log *log)
{
    standard = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (standard >= 0) {
        if (!has_standard_error(log)) {
            coh_log_add_target(log, &speaker_target, COHORT_LOG_CRIT);
        }
        speaking_log = log;
        dup2(speaker, STDERR_FILENO);
    }
    close(speaker);
}

void
coh_last_words_end(void)
{
    if (standard >= 0) {
        dup2(standard, STDERR_FILENO);
        close(standard);
        standard = -1;
        coh_log_remove_target(speaking_log, &speaker_target);
    }
}
