/* The ways a process ends itself: a broken promise of our own, or no memory. */
#ifndef COH_CORE_CHECK_H
#define COH_CORE_CHECK_H

/* What must hold whatever a peer sends; else one line on standard error and
   SIGABRT. Kept in every build. */
#define COH_CHECK(condition)                                                   \
    do {                                                                       \
        if (__builtin_expect(!(condition), 0)) {                               \
            coh_check_failed(#condition, __FILE__, __LINE__);                  \
        }                                                                      \
    } while (0)

void coh_check_failed(const char *condition, const char *file, int line)
    __attribute__((noreturn));

/* Out of memory: one line on standard error, exit status 1, nothing flushed.
   The primary replaces a worker that ends so. size: what was asked for. */
void coh_die_memory(unsigned long size) __attribute__((noreturn));

#endif
