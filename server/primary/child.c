/* pidfds in the loop: readable when the process has ended. */
#include "server/primary/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event.h"
#include "server/process/spawn.h"

void
coh_child_init(
    struct coh_child *child,
    void (*on_exit)(struct coh_child *child, struct coh_exit how))
{
    *child = (struct coh_child){.pidfd = -1, .on_exit = on_exit};
}

/* False: not yet. A program that ignores SIGCHLD lets the kernel reap, and
   nobody learns how its children ended. */
static bool
reap(int pidfd, struct coh_exit *how)
{
    siginfo_t info = {0};

    *how = (struct coh_exit){0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0) {
        return errno == ECHILD;
    }
    how->is_signal = info.si_code != CLD_EXITED;
    how->number = info.si_status;
    return info.si_pid != 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct coh_child *child = user;
    struct coh_exit how;

    (void)fd;
    (void)what;
    if (reap(child->pidfd, &how)) {
        coh_child_fini(child);
        child->on_exit(child, how);
    }
}

int
coh_child_watch(
    struct coh_child *child, struct coh_loop *loop, pid_t pid, int pidfd)
{
    event_assign(
        &child->event, loop->base, pidfd, EV_READ | EV_PERSIST, on_readable,
        child);
    if (event_add(&child->event, NULL) < 0) {
        close(pidfd);
        return -ENOMEM;
    }
    child->pid = pid;
    child->pidfd = pidfd;
    return 0;
}

int
coh_child_watch_or_end(
    struct coh_child *child, struct coh_loop *loop, pid_t pid, int pidfd)
{
    int result = coh_child_watch(child, loop, pid, pidfd);

    if (result < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return result;
}

int
coh_child_fork(
    struct coh_child *child, struct coh_loop *loop, const int ends[2],
    void (*become)(void *user, int channel, pid_t parent), void *user)
{
    pid_t parent = getpid();
    int pidfd = -1;
    pid_t pid;
    int result;

    fflush(NULL); /* or what stands there is written twice */
    pid = coh_spawn_fork(false, &pidfd);
    if (pid == 0) {
        close(ends[0]);
        become(user, ends[1], parent);
    }
    close(ends[1]);
    result = pid < 0 ? pid : coh_child_watch_or_end(child, loop, pid, pidfd);
    if (result < 0) {
        close(ends[0]);
    }
    return result;
}

pid_t
coh_child_pid_of(int pidfd)
{
    char line[128];
    FILE *info;
    int pid = 0;

    snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", pidfd);
    info = fopen(line, "re");
    while (info && fgets(line, sizeof(line), info) &&
           sscanf(line, "Pid: %d", &pid) != 1) {
    }
    if (info) {
        fclose(info);
    }
    return pid > 0 ? pid : 0;
}

void
coh_child_signal(struct coh_child *child, int number)
{
    if (child->pidfd < 0) {
        return;
    }
    /* valgrind and some filters do not know it; as long as we have not reaped
       the child, its pid is nobody else's. */
    if (pidfd_send_signal(child->pidfd, number, NULL, 0) < 0 &&
        errno == ENOSYS && child->pid > 0) {
        kill(child->pid, number);
    }
}

void
coh_child_fini(struct coh_child *child)
{
    if (child->pidfd >= 0) {
        event_del(&child->event);
        close(child->pidfd);
        child->pidfd = -1;
    }
}
