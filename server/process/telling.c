/* To logs and to standard error. */
#include "server/process/telling.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "server/process/load.h"

void
coh_telling_log(
    struct cohort_log *log, enum cohort_log_level level, const char *text)
{
    while (*text) {
        int size = (int)strcspn(text, "\n");

        cohort_log_at(log, level, "%.*s", size, text);
        text += size + (text[size] == '\n');
    }
}

/* Standard error under another number, "/dev/stderr" say. */
static bool
is_stderr(int fd)
{
    struct stat own;
    struct stat other;

    return fd == STDERR_FILENO ||
        (fstat(fd, &own) == 0 && fstat(STDERR_FILENO, &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino);
}

void
coh_telling_both(
    const struct cohort_log *log, enum cohort_log_level level, const char *text)
{
    struct cohort_log files;

    coh_log_init(&files, NULL);
    for (size_t i = 0; i < log->target_count; i++) {
        if (log->targets[i]->fd >= 0 && !is_stderr(log->targets[i]->fd)) {
            coh_log_add_target(&files, log->targets[i], log->levels[i]);
        }
    }
    coh_load_tell_stderr(NULL, level <= COHORT_LOG_ERROR, text);
    if (files.target_count > 0) {
        coh_telling_log(&files, level, text);
    }
}
