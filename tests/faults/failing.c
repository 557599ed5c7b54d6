/* A preloaded library in which the n-th call of a function fails, in one
   process: that of the server under test that the test has chosen.

   FAILING names a file, mapped by everybody, in which the test says what is to
   fail (struct failing; tests/faults/failing.py writes it). */
#undef _FORTIFY_SOURCE /* its inline functions have the names that we define */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT_PROGRAM (-1) /* the next that is executed */
#define NEXT_FORK (-2)    /* the next that is forked and executes nothing */

/* In the order of failing.py. */
enum call {
    CALL_MALLOC, /* calloc and realloc, too */
    CALL_ACCEPT,
    CALL_OPEN, /* openat, too */
    CALL_FSTAT,
    CALL_READ,
    CALL_WRITE,
    CALL_RECV,
    CALL_RECVMSG,
    CALL_SEND, /* writev, too */
    CALL_SENDMSG,
    CALL_SENDFILE,
    CALL_EPOLL_CTL,
    CALL_EPOLL_WAIT,
    CALL_SETSOCKOPT,
    CALL_SOCKET, /* socketpair and pipe2, too */
    CALL_FCNTL,  /* dup, too */
    CALL_MMAP,
    CALL_MEMFD, /* ftruncate, too */
};

struct failing {
    _Atomic int32_t pid; /* in which process; 0: in none */
    _Atomic int32_t call;
    _Atomic int32_t error;  /* errno */
    _Atomic int32_t before; /* calls that still succeed */
    _Atomic int32_t failed; /* how many did fail */
};

static struct failing *failing;
static pid_t program; /* who was executed; its children differ */

__attribute__((constructor)) static void
attach(void)
{
    const char *path = getenv("FAILING");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page;
    int32_t wanted = NEXT_PROGRAM;

    program = getpid();
    if (fd < 0) {
        return;
    }
    page =
        mmap(NULL, sizeof(*failing), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED) {
        return;
    }
    failing = page;
    atomic_compare_exchange_strong(&failing->pid, &wanted, getpid());
}

static bool
is_chosen(void)
{
    int32_t wanted = NEXT_FORK;
    pid_t own = getpid();

    if (own != program) {
        atomic_compare_exchange_strong(&failing->pid, &wanted, own);
    }
    return atomic_load(&failing->pid) == own;
}

/* True, and errno is set, for the one call that is to fail. */
static bool
fails(enum call call)
{
    if (failing == NULL || atomic_load(&failing->call) != (int32_t)call ||
        !is_chosen()) {
        return false;
    }
    if (atomic_fetch_sub(&failing->before, 1) != 0) {
        return false;
    }
    atomic_fetch_add(&failing->failed, 1);
    errno = atomic_load(&failing->error);
    return true;
}

/* --- what may be called before there is dlsym() --------------------------- */

/* All from here on is for the program, whatever the compiler was told. */
#pragma GCC visibility push(default)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *
malloc(size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_realloc(memory, size);
}

/* --- the others ----------------------------------------------------------- */

/* Define a function that fails with -1 or goes on to the library's own. */
#define WRAP(call, type, name, parameters, ...)                                \
    type name parameters;                                                      \
    type name parameters                                                       \
    {                                                                          \
        static type(*own) parameters;                                          \
                                                                               \
        if (fails(call)) {                                                     \
            return (type)-1;                                                   \
        }                                                                      \
        if (own == NULL) {                                                     \
            *(void **)&own = dlsym(RTLD_NEXT, #name);                          \
        }                                                                      \
        return own(__VA_ARGS__);                                               \
    }

WRAP(
    CALL_ACCEPT, int, accept4,
    (int fd, struct sockaddr *address, socklen_t *size, int flags), fd, address,
    size, flags)
WRAP(CALL_FSTAT, int, fstat, (int fd, struct stat *status), fd, status)
WRAP(
    CALL_FSTAT, int, fstatat,
    (int fd, const char *path, struct stat *status, int flags), fd, path,
    status, flags)
WRAP(
    CALL_READ, ssize_t, read, (int fd, void *data, size_t size), fd, data, size)
WRAP(
    CALL_WRITE, ssize_t, write, (int fd, const void *data, size_t size), fd,
    data, size)
WRAP(
    CALL_RECV, ssize_t, recv, (int fd, void *data, size_t size, int flags), fd,
    data, size, flags)
WRAP(
    CALL_RECVMSG, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
    fd, message, flags)
WRAP(
    CALL_SEND, ssize_t, send,
    (int fd, const void *data, size_t size, int flags), fd, data, size, flags)
WRAP(
    CALL_SEND, ssize_t, writev, (int fd, const struct iovec *parts, int count),
    fd, parts, count)
WRAP(
    CALL_SENDMSG, ssize_t, sendmsg,
    (int fd, const struct msghdr *message, int flags), fd, message, flags)
WRAP(
    CALL_SENDFILE, ssize_t, sendfile,
    (int to, int from, off_t *offset, size_t count), to, from, offset, count)
WRAP(
    CALL_EPOLL_CTL, int, epoll_ctl,
    (int set, int operation, int fd, struct epoll_event *event), set, operation,
    fd, event)
WRAP(
    CALL_EPOLL_WAIT, int, epoll_wait,
    (int set, struct epoll_event *events, int count, int timeout), set, events,
    count, timeout)
WRAP(
    CALL_SETSOCKOPT, int, setsockopt,
    (int fd, int level, int name, const void *value, socklen_t size), fd, level,
    name, value, size)
WRAP(
    CALL_SOCKET, int, socket, (int domain, int type, int protocol), domain,
    type, protocol)
WRAP(
    CALL_SOCKET, int, socketpair,
    (int domain, int type, int protocol, int fds[2]), domain, type, protocol,
    fds)
WRAP(CALL_SOCKET, int, pipe2, (int fds[2], int flags), fds, flags)
WRAP(CALL_FCNTL, int, dup, (int fd), fd)
WRAP(
    CALL_MMAP, void *, mmap,
    (void *place, size_t size, int protection, int flags, int fd, off_t offset),
    place, size, protection, flags, fd, offset)
WRAP(
    CALL_MEMFD, int, memfd_create, (const char *name, unsigned flags), name,
    flags)
WRAP(CALL_MEMFD, int, ftruncate, (int fd, off_t size), fd, size)

/* What calls of open become by _FORTIFY_SOURCE where the flags are a
   variable. */
int __open_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
WRAP(CALL_OPEN, int, __open_2, (const char *path, int flags), path, flags)
WRAP(
    CALL_OPEN, int, __openat_2, (int folder, const char *path, int flags),
    folder, path, flags)

/* --- those with a last argument that may be missing ----------------------- */

int
open(const char *path, int flags, ...)
{
    static int (*own)(const char *, int, mode_t);
    va_list arguments;
    mode_t mode = 0;

    if (fails(CALL_OPEN)) {
        return -1;
    }
    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (own == NULL) {
        *(void **)&own = dlsym(RTLD_NEXT, "open");
    }
    return own(path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
    static int (*own)(int, const char *, int, mode_t);
    va_list arguments;
    mode_t mode = 0;

    if (fails(CALL_OPEN)) {
        return -1;
    }
    if (flags & O_CREAT) {
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (own == NULL) {
        *(void **)&own = dlsym(RTLD_NEXT, "openat");
    }
    return own(folder, path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
    static int (*own)(int, int, void *);
    va_list arguments;
    void *argument;

    if (fails(CALL_FCNTL)) {
        return -1;
    }
    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (own == NULL) {
        *(void **)&own = dlsym(RTLD_NEXT, "fcntl");
    }
    return own(fd, command, argument);
}

#pragma GCC visibility pop
