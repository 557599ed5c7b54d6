/* A signalfd in a loop: no handler ever interrupts anything, and its records
   say whether a process or the terminal sent the signal. */
#include "server/process/signals.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct coh_signals *signals = user;
    struct signalfd_siginfo record;

    (void)what;
    /* One per turn: its consequences may free us. */
    if (read(fd, &record, sizeof(record)) == sizeof(record)) {
        signals->on_signal(
            signals->user, (int)record.ssi_signo, record.ssi_code <= 0);
    }
}

int
coh_signals_init(
    struct coh_signals *signals, struct coh_loop *loop, const int *numbers,
    void (*on_signal)(void *user, int number, bool is_by_process), void *user)
{
    sigset_t set;

    *signals =
        (struct coh_signals){.fd = -1, .on_signal = on_signal, .user = user};
    sigemptyset(&set);
    for (; *numbers; numbers++) {
        sigaddset(&set, *numbers);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) {
        return -errno;
    }
    event_assign(
        &signals->event, loop->base, signals->fd, EV_READ | EV_PERSIST,
        on_readable, signals);
    return event_add(&signals->event, NULL) < 0 ? -ENOMEM : 0;
}

void
coh_signals_fini(struct coh_signals *signals)
{
    if (signals->fd >= 0) {
        event_del(&signals->event);
        close(signals->fd);
        signals->fd = -1;
    }
}

void
coh_signals_drop(const sigset_t *mask)
{
    static const struct timespec at_once = {0};
    sigset_t blocked;

    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int i = 1; i < NSIG; i++) {
        if (sigismember(mask, i) == 1) {
            sigdelset(&blocked, i);
        }
    }
    /* Each is there once; nobody who goes on sending holds us. */
    for (int i = 1; i < NSIG; i++) {
        if (sigtimedwait(&blocked, NULL, &at_once) < 0 && errno == EAGAIN) {
            return;
        }
    }
}
