/* A process that the primary started, template or worker: watched, signalled
   and reaped by its pidfd alone. */
#ifndef COH_PRIMARY_CHILD_H
#define COH_PRIMARY_CHILD_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct coh_loop;

/* How it ended. */
struct coh_exit {
    bool is_signal;
    int number; /* the signal, or the exit status */
};

struct coh_child {
    pid_t pid; /* 0: not known yet */
    int pidfd;
    struct event event;
    void (*on_exit)(struct coh_child *child, struct coh_exit how);
};

/* Nothing is known yet. on_exit is called once, from the loop, after the
   process was reaped; it may free what the child is embedded in. */
void coh_child_init(
    struct coh_child *child,
    void (*on_exit)(struct coh_child *child, struct coh_exit how));

/*
 * Fork one that talks with us by a channel.
 *
 * ends    Of a socket pair: the first is ours, the second the child's; each
 *         process closes the other one.
 * become  Called in the child with the second, and the process that it comes
 *         from; does not return.
 * Returns 0; -errno: there is no child, and both ends are closed.
 */
int coh_child_fork(
    struct coh_child *child, struct coh_loop *loop, const int ends[2],
    void (*become)(void *user, int channel, pid_t parent), void *user);

/* It has been born: take over its pidfd. 0 or -errno (pidfd is closed). */
int coh_child_watch(
    struct coh_child *child, struct coh_loop *loop, pid_t pid, int pidfd);

/* The same for one that this process has just forked: if it cannot be watched,
   it is ended, since nobody would reap it. */
int coh_child_watch_or_end(
    struct coh_child *child, struct coh_loop *loop, pid_t pid, int pidfd);

/* The process that a pidfd is about; 0: it cannot be found out. */
pid_t coh_child_pid_of(int pidfd);

/* Fine for one that is not born or has ended. */
void coh_child_signal(struct coh_child *child, int number);

/* Watch it no more. */
void coh_child_fini(struct coh_child *child);

#endif
