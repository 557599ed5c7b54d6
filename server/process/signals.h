/* Signals as events of a loop, with who sent them. */
#ifndef COH_PROCESS_SIGNALS_H
#define COH_PROCESS_SIGNALS_H

#include <event2/event_struct.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

#include "core/event.h"

struct coh_signals {
    int fd; /* -1: not made */
    struct event event;
    void (*on_signal)(void *user, int number, bool is_by_process);
    void *user;
};

/*
 * Block the signals of numbers[] (ends with 0) and have them delivered from
 * the loop. is_by_process is false for what the terminal or the kernel sent.
 * 0 or -errno.
 */
int coh_signals_init(
    struct coh_signals *signals, struct coh_loop *loop, const int *numbers,
    void (*on_signal)(void *user, int number, bool is_by_process), void *user);

/* They stay blocked, also those that come after this: coh_signals_drop. */
void coh_signals_fini(struct coh_signals *signals);

/* Forget those that have come, are blocked, and would be delivered with this
   mask: they were for what has ended. */
void coh_signals_drop(const sigset_t *mask);

#endif
