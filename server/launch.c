/* The mode to serve in is found out before there is a primary, which parses no
   configuration. */
#include "server/launch.h"

#include <errno.h>
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

/* A child looks; what is wrong is told later, by the template. */
static enum mode
find_mode(const struct coh_program *program)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit((int)read_mode(program));
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? (enum mode)WEXITSTATUS(status) : MODE_FOREGROUND;
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
launch(struct coh_program *program, enum mode mode)
{
    program->starter = -1;
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
    sigprocmask(SIG_SETMASK, NULL, &mask);
    status = launch(program, find_mode(program));
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
