/* A program whose handlers try what a worker that was taken over would:
   sandbox PORT DIRECTIVES. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cohort/http.h>

/* Each returns 0 if it succeeded, else errno. */

static int
error_of(long result)
{
    return result < 0 ? errno : 0;
}

static int
try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    return pid < 0 || waitpid(pid, NULL, 0) < 0 ? errno : 0;
}

/* In a child, if there can be one. */
static int
try_exec(void)
{
    char name[] = "true";
    char *words[] = {name, NULL};
    pid_t pid = fork();
    int status = 0;

    if (pid <= 0) {
        execv("/bin/true", words);
        if (pid == 0) {
            _exit(errno);
        }
        return errno;
    }
    return waitpid(pid, &status, 0) < 0 ? errno : WEXITSTATUS(status);
}

static int
try_trace(void)
{
    return error_of(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int
try_signal(void)
{
    return error_of(kill(getppid(), 0));
}

static int
try_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd < 0 ? errno : error_of(close(fd));
}

static int
try_bind(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = error_of(bind(fd, (struct sockaddr *)&any, sizeof(any)));

    close(fd);
    return result;
}

/* No socket has this number: EBADF says that the call is let through. */
static int
try_listen(void)
{
    return error_of(listen(-1, 1));
}

static int
try_write(void)
{
    int fd = open("written", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    return fd < 0 ? errno : error_of(close(fd));
}

static int
try_mkdir(void)
{
    return error_of(mkdir("made", 0700));
}

static int
try_code(void)
{
    void *code = mmap(
        NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return code == MAP_FAILED ? errno : error_of(munmap(code, 4096));
}

static int
try_limit(void)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};

    return error_of(setrlimit(RLIMIT_CORE, &limit));
}

static int
try_namespace(void)
{
    return error_of(syscall(SYS_unshare, 0));
}

static const struct {
    const char *name;
    int (*run)(void);
} attempts[] = {
    {"fork", try_fork},     {"exec", try_exec},
    {"trace", try_trace},   {"signal", try_signal},
    {"socket", try_socket}, {"bind", try_bind},
    {"listen", try_listen}, {"write", try_write},
    {"mkdir", try_mkdir},   {"code", try_code},
    {"limit", try_limit},   {"namespace", try_namespace},
};

static const char *
name_of(int error)
{
    return error == 0 ? "done" : strerrorname_np(error);
}

static int
try_all(struct cohort_request *request, void *user)
{
    char text[1024];
    size_t size = 0;

    (void)user;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        size += (size_t)snprintf(
            text + size, sizeof(text) - size, "%s %s\n", attempts[i].name,
            name_of(attempts[i].run()));
    }
    return cohort_respond_text(request, 200, text);
}

/* "?PATH" */
static int
try_read(struct cohort_request *request, void *user)
{
    struct cohort_str args = cohort_request_args(request);
    char path[1024];
    int fd;

    (void)user;
    snprintf(path, sizeof(path), "%.*s", (int)args.size, args.data);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cohort_respond_text(request, 200, name_of(errno));
    }
    close(fd);
    return cohort_respond_text(request, 200, "done");
}

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    char address[64];
    int status = 1;

    if (argc == 3) {
        snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
        cohort_listen(cohort, address);
        cohort_set_workers(cohort, 1);
        cohort_set_directives(cohort, argv[2]);
        cohort_handle(cohort, "/try", try_all, NULL);
        cohort_handle(cohort, "/read", try_read, NULL);
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
