/* Writing to the error log. */
#ifndef COHORT_LOG_H
#define COHORT_LOG_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* In the order of urgency; a log takes lines up to its own level. */
enum cohort_log_level {
    COHORT_LOG_EMERG,
    COHORT_LOG_ALERT,
    COHORT_LOG_CRIT,
    COHORT_LOG_ERROR,
    COHORT_LOG_WARN,
    COHORT_LOG_NOTICE,
    COHORT_LOG_INFO,
    COHORT_LOG_DEBUG,
};

/* Where lines go, from which level on, and what is said about their context. */
struct cohort_log;

/* True if a line of this level would be written to log or to its parents. */
bool cohort_log_is_on(
    const struct cohort_log *log, enum cohort_log_level level);

/*
 * Write one line, in the form
 * "2026/01/31 12:00:00 [level] PID#TID: *CONNECTION MESSAGE, CONTEXT".
 *
 * format   As printf; without a newline; lower case: what, object, why. Bytes
 *          below 0x20 and above 0x7e are written as \xHH; a line is cut at
 *          2,048 bytes.
 * Process  Any; not from a signal handler. Never allocates and never blocks:
 *          a line that its target does not take at once is dropped and
 *          counted, and the count is written when the target takes lines
 *          again.
 */
void cohort_log_write(
    struct cohort_log *log, enum cohort_log_level level, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

#define cohort_log_at(log, level, ...)                                         \
    do {                                                                       \
        if (cohort_log_is_on((log), (level))) {                                \
            cohort_log_write((log), (level), __VA_ARGS__);                     \
        }                                                                      \
    } while (0)

#define cohort_emerg(log, ...) cohort_log_at(log, COHORT_LOG_EMERG, __VA_ARGS__)
#define cohort_alert(log, ...) cohort_log_at(log, COHORT_LOG_ALERT, __VA_ARGS__)
#define cohort_crit(log, ...) cohort_log_at(log, COHORT_LOG_CRIT, __VA_ARGS__)
#define cohort_error(log, ...) cohort_log_at(log, COHORT_LOG_ERROR, __VA_ARGS__)
#define cohort_warn(log, ...) cohort_log_at(log, COHORT_LOG_WARN, __VA_ARGS__)
#define cohort_notice(log, ...)                                                \
    cohort_log_at(log, COHORT_LOG_NOTICE, __VA_ARGS__)
#define cohort_info(log, ...) cohort_log_at(log, COHORT_LOG_INFO, __VA_ARGS__)
#define cohort_debug(log, ...) cohort_log_at(log, COHORT_LOG_DEBUG, __VA_ARGS__)

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
