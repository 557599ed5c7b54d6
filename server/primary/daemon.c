/* The daemon and its starter. */
#include "server/primary/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"

/* Wait for the verdict; a daemon that dies without one has failed. */
static void
wait_for_verdict(int pipe)
{
    unsigned char status = 1;
    ssize_t got;

    do {
        got = read(pipe, &status, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? status : 1);
}

static void
leave_session(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        close(null);
    }
}

int
coh_daemon_start(void)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid < 0) {
        int error = errno;

        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (pid > 0) {
        close(ends[1]);
        wait_for_verdict(ends[0]);
    }
    close(ends[0]);
    coh_log_forked();
    leave_session();
    return ends[1];
}

void
coh_daemon_tell_starter(int starter, int status)
{
    unsigned char byte = (unsigned char)status;

    ssize_t written = write(starter, &byte, 1);

    (void)written; /* a starter that is gone needs no answer */
    close(starter);
}
