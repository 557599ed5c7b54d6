/* The mode to serve in is found out before there is a primary, which parses no
   configuration. */
#include "server/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/primary/daemon.h"
#include "server/primary/primary.h"
#include "server/primary/upgrade/handover.h"
#include "server/process/load.h"
#include "server/process/signals.h"
#include "server/process/single.h"

enum mode {
    MODE_FOREGROUND,
    MODE_DAEMON,
    MODE_SINGLE,
};

static void
tell_nothing(void *user, bool is_error, const char *text)
{
    (void)user;
    (void)is_error;
    (void)text;
}

static enum mode
read_mode(const struct coh_program *program)
{
    struct cohort_load *load = calloc(1, sizeof(*load));
    enum mode mode = MODE_FOREGROUND;

    if (!load) {
        return mode;
    }
    load->tell = tell_nothing;
    if (coh_load_run(load, program->options, program->service, true) == 0) {
        if (!load->settings->has_primary) {
            mode = MODE_SINGLE;
        } else if (load->settings->is_daemon) {
            mode = MODE_DAEMON;
        }
    }
    coh_load_free(load);
    free(load);
    return mode;
}

static void
tell_mode(const struct coh_program *program, const int ends[2])
{
    unsigned char mode = (unsigned char)read_mode(program);
    ssize_t written = write(ends[1], &mode, 1);

    _exit(written == 1 ? 0 : 1);
}

/* MODE_FOREGROUND if it dies before it says anything. */
static enum mode
hear_mode(int pipe)
{
    unsigned char mode = MODE_FOREGROUND;
    ssize_t got;

    do {
        got = read(pipe, &mode, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? (enum mode)mode : MODE_FOREGROUND;
}

/* A child looks; what is wrong is told later, by the template. It answers by a
   pipe: an exit status is lost where SIGCHLD is ignored, or where a program
   reaps all children that it has. 0 or -errno. */
static int
find_mode(const struct coh_program *program, enum mode *mode)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid == 0) {
        tell_mode(program, ends);
    }
    if (pid < 0) {
        int error = errno;

        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    close(ends[1]);
    *mode = hear_mode(ends[0]);
    close(ends[0]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return 0;
}

/* Beside the primary that started this one, which has long gone to the
   background if that is wanted. */
static int
launch_beside(struct coh_program *program, enum mode mode)
{
    if (mode == MODE_SINGLE) {
        fprintf(
            stderr,
            "cohort: [emerg] cannot take over: the configuration says "
            "\"master_process off\", and one process cannot serve beside "
            "another\n");
        return 1;
    }
    program->greet = NULL;
    program->is_daemon = mode == MODE_DAEMON;
    return coh_primary_run(program);
}

static int
launch(struct coh_program *program)
{
    enum mode mode = MODE_FOREGROUND;
    int result = find_mode(program, &mode);

    program->starter = -1;
    if (result < 0) {
        fprintf(
            stderr, "cohort: [emerg] cannot start a process: %s\n",
            strerror(-result));
        return 1;
    }
    if (program->handover) {
        return launch_beside(program, mode);
    }
    if (mode == MODE_SINGLE) {
        return coh_single_run(program->options, program->service);
    }
    if (mode == MODE_DAEMON) {
        program->greet = NULL;
        program->is_daemon = true;
        program->starter = coh_daemon_start();
        if (program->starter < 0) {
            fprintf(
                stderr, "cohort: [emerg] cannot go to the background: %s\n",
                strerror(-program->starter));
            return 1;
        }
    }
    return coh_primary_run(program);
}

int
coh_launch(struct coh_program *program)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    const char *why;
    struct sigaction on_pipe;
    struct sigaction on_size;
    sigset_t mask;
    int status;

    program->handover = coh_handover_receive(&why);
    if (why) {
        fprintf(stderr, "cohort: [emerg] %s\n", why);
        return 1;
    }
    coh_systemd_birth_read(&program->systemd);
    /* A log whose reader has gone, or that may not grow, ends nobody. */
    sigaction(SIGPIPE, &ignore, &on_pipe);
    sigaction(SIGXFSZ, &ignore, &on_size);
    if (program->is_process) {
        /* Who started us may have left it ignored: nobody would learn how
           children ended. */
        sigaction(SIGCHLD, &by_default, NULL);
    }
    sigprocmask(SIG_SETMASK, NULL, &mask);
    status = launch(program);
    if (!program->is_process) {
        coh_signals_drop(&mask);
        sigprocmask(SIG_SETMASK, &mask, NULL);
    }
    sigaction(SIGXFSZ, &on_size, NULL);
    sigaction(SIGPIPE, &on_pipe, NULL);
    coh_systemd_birth_fini(&program->systemd);
    coh_handover_free(program->handover);
    return status;
}
