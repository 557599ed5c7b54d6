/* One list of what is allowed; everything else, today's and what kernels will
   add, is not. */
#include "server/process/sandbox_calls.h"

#include <errno.h>
#include <stddef.h>

#include "config.h"

#ifdef COH_HAS_SECCOMP

#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* A system call that is allowed, with all arguments or where one of them,
   masked, has a value. */
struct call {
    int number;
    bool has_condition;
    struct scmp_arg_cmp condition;
};

#define CALL(name)                                                             \
    {                                                                          \
        .number = SCMP_SYS(name)                                               \
    }
#define CALL_IF(name, index, mask, value)                                      \
    {                                                                          \
        .number = SCMP_SYS(name), .has_condition = true, .condition = {        \
            .arg = (index),                                                    \
            .op = SCMP_CMP_MASKED_EQ,                                          \
            .datum_a = (mask),                                                 \
            .datum_b = (value),                                                \
        }                                                                      \
    }
#define WHOLE UINT64_MAX

/*
 * In the order in which the filter compares them, the two of every request
 * first. (From Linux 5.11 on the kernel remembers those without a condition and
 * runs no filter for them.)
 *
 * What is missing says what a worker is: it executes nothing, forks nothing,
 * traces and signals nobody but itself, makes, binds and listens on no socket,
 * loads no code (no memory becomes executable), mounts, loads and configures
 * nothing.
 */
static const struct call calls[] = {
    /* Requests. */
    CALL(recvfrom),
    CALL(sendto),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(sendfile),
    CALL(sendmsg),
    CALL(recvmsg),
    CALL(writev),
    CALL(write),
    CALL(read),
    CALL(pread64),
    CALL(preadv),
    CALL(accept4),
    CALL(shutdown),
    CALL(close),
    CALL(epoll_ctl),
    CALL(poll),
    CALL(ppoll),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(getsockname),
    CALL(getpeername),
    CALL_IF(ioctl, 1, UINT32_MAX, FIONREAD),
    /* Files. */
    CALL(open),
    CALL(openat),
    CALL(openat2), /* its rules only ever take away from openat's */
    CALL(fstat),
    CALL(stat),
    CALL(lstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(lseek),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getdents64),
    CALL(getcwd),
    CALL(fadvise64),
    /* Descriptors. */
    CALL(fcntl),
    CALL(dup),
    CALL(dup2),
    CALL(dup3),
    CALL(pipe2),
    /* Memory, but no code: neither execute nor change what is executable. */
    CALL(brk),
    CALL_IF(mmap, 2, PROT_EXEC, 0),
    CALL_IF(mprotect, 2, PROT_EXEC, 0),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(futex),
    /* Time. */
    CALL(clock_gettime),
    CALL(gettimeofday),
    CALL(time),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(alarm),
    CALL(setitimer),
    CALL(timerfd_settime),
    /* Signals to itself, and what it may ask about itself. */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(sigaltstack),
    CALL(signalfd4),
    CALL(restart_syscall),
    CALL(getpid),
    CALL(gettid),
    CALL(getppid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getrandom),
    CALL(getrusage),
    CALL(sysinfo),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL_IF(prlimit64, 2, WHOLE, 0), /* read limits, set none */
    CALL(exit),
    CALL(exit_group),
};

#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))
#define PRIORITY_MAX 255

_Static_assert(CALL_COUNT <= PRIORITY_MAX, "each has a priority of its own");

static int
allow(scmp_filter_ctx filter, const struct call *call)
{
    return call->has_condition
        ? seccomp_rule_add_array(
              filter, SCMP_ACT_ALLOW, call->number, 1, &call->condition)
        : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, 0, NULL);
}

/* raise() and abort() go by one's own number. */
static int
allow_signals_to_oneself(scmp_filter_ctx filter)
{
    const struct call own = CALL_IF(tgkill, 0, WHOLE, (scmp_datum_t)getpid());

    return allow(filter, &own);
}

static int
fill(scmp_filter_ctx filter)
{
    int result = allow_signals_to_oneself(filter);

    for (size_t i = 0; result == 0 && i < CALL_COUNT; i++) {
        result = allow(filter, &calls[i]);
        if (result == 0) {
            result = seccomp_syscall_priority(
                filter, calls[i].number, (uint8_t)(PRIORITY_MAX - i));
        }
    }
    return result;
}

int
coh_sandbox_filter(bool is_strict)
{
    uint32_t action = is_strict ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_LOG;
    scmp_filter_ctx filter = seccomp_init(action);
    int result;

    if (!filter) {
        return -ENOMEM;
    }
    result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, action);
    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    }
    if (result == 0) {
        result = fill(filter);
    }
    if (result == 0) {
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    return result;
}

const char *
coh_sandbox_library(void)
{
    static char text[sizeof("libseccomp 4294967295.4294967295.4294967295")];
    const struct scmp_version *version = seccomp_version();

    snprintf(
        text, sizeof(text), "libseccomp %u.%u.%u", version->major,
        version->minor, version->micro);
    return text;
}

#else

int
coh_sandbox_filter(bool is_strict)
{
    (void)is_strict;
    return -EOPNOTSUPP;
}

const char *
coh_sandbox_library(void)
{
    return NULL;
}

#endif
