/* Forks by clone with a pidfd, and the binary executed from the descriptor
   that was opened at start, so that an upgrade on disk changes nothing. */
#include "server/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log.h"
#include "core/socket.h"

static struct {
    int binary; /* -1: /proc is not there */
    struct rlimit descriptors;
    sigset_t mask;
} start = {.binary = -1};

int
coh_spawn_init(void)
{
    if (getrlimit(RLIMIT_NOFILE, &start.descriptors) < 0) {
        return -errno;
    }
    if (sigprocmask(SIG_SETMASK, NULL, &start.mask) < 0) {
        return -errno;
    }
    if (start.binary < 0) {
        start.binary = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    }
    return 0;
}

/* What the C library keeps about its thread and a raw clone must set right. */
struct thread {
    int *tid; /* where the library stores its thread id; NULL: not known */
    struct robust_list_head *robust_list;
    size_t robust_size;
};

static void
find_thread(struct thread *thread)
{
    *thread = (struct thread){.tid = NULL};
    /* Either may be unknown to the kernel or filtered: then it stays NULL. */
    (void)prctl(PR_GET_TID_ADDRESS, &thread->tid, 0, 0, 0);
    (void)syscall(
        SYS_get_robust_list, 0, &thread->robust_list, &thread->robust_size);
}

/* The kernel forgets the list in a child; without it no robust lock in shared
   memory would ever report a dead owner. */
static void
adopt_thread(const struct thread *thread)
{
    if (thread->robust_list) {
        syscall(SYS_set_robust_list, thread->robust_list, thread->robust_size);
    }
}

static pid_t
raw_clone(unsigned long flags, int *pidfd, int *tid)
{
#if defined(__s390__)
#error "clone takes its arguments in another order here"
#elif defined(__x86_64__)
    return (pid_t)syscall(SYS_clone, flags, 0, pidfd, tid, 0);
#else
    return (pid_t)syscall(SYS_clone, flags, 0, pidfd, 0, tid);
#endif
}

pid_t
coh_spawn_fork(bool is_sibling, int *pidfd)
{
    unsigned long flags = CLONE_PIDFD | SIGCHLD;
    struct thread thread;
    sigset_t all;
    sigset_t before;
    pid_t pid;

    find_thread(&thread);
    if (thread.tid) {
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    }
    if (is_sibling) {
        flags |= CLONE_PARENT;
    }
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = raw_clone(flags, pidfd, thread.tid);
    if (pid == 0) {
        adopt_thread(&thread);
        coh_log_forked();
        coh_loop_log(NULL); /* the log was our parent's */
        return 0;
    }
    if (pid < 0) {
        pid = -errno;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool
is_listed(const int *signals, int number)
{
    for (; signals && *signals; signals++) {
        if (*signals == number) {
            return true;
        }
    }
    return false;
}

static void
set_dispositions(const int *ignored)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action = {
            .sa_handler = is_listed(ignored, number) ? SIG_IGN : SIG_DFL};

        /* Fails for KILL, STOP and the C library's own: they stay. */
        (void)sigaction(number, &action, NULL);
    }
}

void
coh_spawn_child_signals(const int *ignored)
{
    sigset_t none;

    set_dispositions(ignored);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the next program is to find as we found it. */
static void
restore_start(const int *keep, size_t keep_count)
{
    set_dispositions(NULL);
    setrlimit(RLIMIT_NOFILE, &start.descriptors);
    coh_fds_cloexec_from(3, keep, keep_count);
    for (size_t i = 0; i < keep_count; i++) {
        coh_fd_set_cloexec(keep[i], false);
    }
    sigprocmask(SIG_SETMASK, &start.mask, NULL);
}

int
coh_spawn_self(char **words, const int *keep, size_t keep_count)
{
    restore_start(keep, keep_count);
    if (start.binary >= 0) {
        syscall(SYS_execveat, start.binary, "", words, environ, AT_EMPTY_PATH);
    }
    execve("/proc/self/exe", words, environ);
    return -errno;
}

int
coh_spawn_program(
    const char *file, char **words, const int *keep, size_t keep_count)
{
    if (file == NULL) {
        return coh_spawn_self(words, keep, keep_count);
    }
    restore_start(keep, keep_count);
    execvpe(file, words, environ);
    return -errno;
}

int
coh_spawn_path(
    const char *path, char **words, const int *keep, size_t keep_count)
{
    restore_start(keep, keep_count);
    execve(path, words, environ);
    return -errno;
}

void
coh_spawn_forget(void)
{
    if (start.binary >= 0) {
        close(start.binary);
        start.binary = -1;
    }
}

int
coh_spawn_die_with_parent(pid_t parent, int number)
{
    if (prctl(PR_SET_PDEATHSIG, number) < 0) {
        return -errno;
    }
    return getppid() == parent ? 0 : -ESRCH;
}
