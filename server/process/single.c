/* The load, the sockets and the service in one process. */
#include "server/process/single.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/accept/emptying.h"
#include "server/accept/listener.h"
#include "server/process/dump.h"
#include "server/process/load.h"
#include "server/process/opened.h"
#include "server/process/pidfile.h"
#include "server/process/self.h"
#include "server/process/telling.h"
#include "server/process/title.h"
#include "server/process/transition.h"

struct single {
    struct cohort_load *load;
    struct coh_opened opened;
    struct coh_pidfile pidfile;
    struct coh_slot *slot;
    struct cohort_self self;
    bool is_leaving;
    unsigned emptying_count; /* addresses that are about to close */
    struct coh_secret secrets[COH_LOAD_SECRETS_MAX];
    size_t secret_count;
};

static void
reopen(struct single *single)
{
    uint32_t files[COH_LOAD_FILES_MAX];
    int fds[COH_LOAD_FILES_MAX];
    size_t count =
        coh_opened_files_anew(single->load, single->self.log, files, fds);

    coh_self_reopen(&single->self, files, fds, count);
}

/* --- leaving -------------------------------------------------------------- */

static void
on_emptied(void *user)
{
    struct single *single = user;

    if (--single->emptying_count == 0) {
        coh_self_drain_by(&single->self, 0); /* leave() has set its limit */
    }
}

/* What waits is accepted and answered before the addresses close. That may last
   while there is no room, so worker_shutdown_timeout is for it, too. */
static void
leave(struct single *single)
{
    uint64_t limit_ms = single->load->settings->shutdown_timeout_ms;
    struct coh_listener *listener;

    single->is_leaving = true;
    if (limit_ms > 0) {
        coh_event_add_ms(&single->self.deadline, limit_ms);
    }
    single->emptying_count = 1; /* ours, until all are begun */
    TAILQ_FOREACH (listener, &single->opened.set.list, link) {
        if (coh_emptying_start(
                listener, 0, &single->self.loop, NULL, on_emptied, single) ==
            0) {
            single->emptying_count++;
        }
    }
    on_emptied(single);
}

/* It may end before they are empty, and its loop with it. */
static void
forget_emptying(struct single *single)
{
    struct coh_listener *listener;

    TAILQ_FOREACH (listener, &single->opened.set.list, link) {
        coh_emptying_forget(listener);
    }
}

static bool
is_gentle(const struct single *single, int number)
{
    return number == SIGQUIT ||
        (number == SIGTERM &&
         coh_transition_of(single->load->conf.settings)->is_term_graceful);
}

/* What takes a primary, or workers. A terminal that is resized sends WINCH,
   too. */
static bool
refuse(const struct single *single, int number, bool is_by_process)
{
    static const struct {
        int number;
        const char *why;
    } refused[] = {
        {SIGHUP,
         "not loading the configuration: end this process and start it again"},
        {SIGUSR2, "no upgrade: end this process and start the new binary"},
        {SIGWINCH, "no workers to end: QUIT ends this process gently"},
        {SIGTTIN, "no workers to scale: without that directive there are some"},
        {SIGTTOU, "no workers to scale: without that directive there are some"},
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].number != number) {
            continue;
        }
        if (is_by_process || number != SIGWINCH) {
            cohort_warn(
                single->self.log, "master_process off: %s", refused[i].why);
        }
        return true;
    }
    return false;
}

static void
on_signal(void *user, int number, bool is_by_process)
{
    struct cohort_self *self = user;
    struct single *single =
        (struct single *)((char *)self - offsetof(struct single, self));

    if (refuse(single, number, is_by_process)) {
        return;
    }
    if (number == SIGUSR1) {
        reopen(single);
    } else if (is_gentle(single, number) && !single->is_leaving) {
        leave(single);
    } else if (number != SIGQUIT) {
        coh_self_quit(self);
    }
}

/* A copy of its socket; -1 for none, where a wildcard covers the address. */
static int
copy_socket(struct single *single, const struct coh_listener *listener, int *fd)
{
    char text[COH_ADDR_TEXT_MAX];
    int result;

    *fd = listener ? fcntl(listener->sockets[0], F_DUPFD_CLOEXEC, 0) : -1;
    if (!listener || *fd >= 0) {
        return 0;
    }
    result = -errno;
    cohort_emerg(
        single->self.log, "cannot accept from %s: %s",
        coh_addr_format(&listener->address, text), strerror(-result));
    return result;
}

/* Each address with the socket that was opened for it. */
static int
describe_listeners(struct single *single)
{
    const struct cohort_load *load = single->load;
    int result = 0;

    for (size_t i = 0; i < load->listener_count && result == 0; i++) {
        int fd;

        result = copy_socket(single, single->opened.listeners[i], &fd);
        coh_intake_set(
            &single->self.intake, (unsigned)i, COHORT_POLICY_SHARED,
            &load->listeners[i].address, fd, load->listeners[i].user);
    }
    return result;
}

/* Made and rotated here, where there is no primary. */
static int
make_secrets(struct single *single)
{
    struct cohort_load *load = single->load;
    int result = 0;

    while (result == 0 && single->secret_count < load->secret_count) {
        struct coh_load_secret *declared = &load->secrets[single->secret_count];
        struct coh_secret *secret = &single->secrets[single->secret_count];

        result =
            coh_secret_init(secret, &single->self.loop, declared->rotate_s);
        if (result == 0) {
            single->secret_count++;
            declared->area = coh_secret_map(secret->fd);
        }
    }
    return result;
}

static int
serve(struct single *single)
{
    static const int signals[] = {SIGTERM, SIGINT,   SIGQUIT, SIGHUP,  SIGUSR1,
                                  SIGUSR2, SIGWINCH, SIGTTIN, SIGTTOU, 0};
    struct cohort_self *self = &single->self;
    int result = coh_self_init(self, signals, on_signal);

    if (result == 0) {
        result = describe_listeners(single);
    }
    if (result == 0) {
        result = make_secrets(single);
    }
    if (result == 0) {
        result = coh_self_start(self);
    }
    if (result == 0) {
        result = coh_intake_start(&self->intake);
    }
    if (result == 0) {
        cohort_notice(self->log, "serving in one process");
        result = coh_loop_run(&self->loop);
    }
    for (size_t i = 0; i < single->secret_count; i++) {
        coh_secret_fini(&single->secrets[i]);
    }
    forget_emptying(single);
    coh_self_fini(self);
    return result < 0 ? 1 : 0;
}

/* Who starts the same server twice is told so, and nothing else. */
static int
open_all(struct single *single)
{
    struct cohort_load *load = single->load;
    const char *path = load->settings->pid_path.data;
    char why[COH_PIDFILE_WHY_MAX];

    if (path && coh_pidfile_check(path, 0, why) < 0) {
        return cohort_load_error(load, "%s", why);
    }
    if (coh_opened_init(&single->opened, load, false) < 0) {
        return -EINVAL;
    }
    if (coh_pidfile_write(&single->pidfile, path, 0, why) < 0) {
        return cohort_load_error(load, "%s", why);
    }
    return 0;
}

/* In its log, too, once that is open. */
static void
tell(void *user, bool is_error, const char *text)
{
    const struct single *single = user;

    if (single->opened.is_made) {
        coh_telling_both(
            cohort_settings_log(single->load->conf.settings),
            is_error ? COHORT_LOG_EMERG : COHORT_LOG_WARN, text);
    } else {
        coh_load_tell_stderr(NULL, is_error, text);
    }
}

static struct cohort_load *
new_load(void)
{
    struct cohort_load *load = calloc(1, sizeof(*load));

    if (load) {
        load->tell = coh_load_tell_stderr;
    }
    return load;
}

int
coh_single_run(
    const struct coh_options *options, const struct cohort_service *service)
{
    struct single single = {.load = new_load(), .pidfile.fd = -1};
    int status = 1;

    single.slot = aligned_alloc(COH_SLOT_ALIGN, sizeof(*single.slot));
    if (!single.load || !single.slot) {
        free(single.load);
        free(single.slot);
        return 1;
    }
    memset(single.slot, 0, sizeof(*single.slot));
    single.load->tell = tell;
    single.load->user = &single;
    single.self = (struct cohort_self){
        .load = single.load, .slot = single.slot, .signals.fd = -1};
    coh_title_set("cohort: single process");
    if (coh_load_run(single.load, options, service, false) == 0 &&
        open_all(&single) == 0) {
        status = serve(&single);
    }
    coh_pidfile_remove(&single.pidfile);
    coh_opened_fini(&single.opened, single.load);
    coh_load_free(single.load);
    free(single.load);
    free(single.slot);
    return status;
}

/* --- -t ------------------------------------------------------------------- */

int
coh_single_test(
    const struct coh_options *options, const struct cohort_service *service,
    bool is_quiet, bool is_dump)
{
    const char *name = options->file ? options->file : options->text_name;
    struct cohort_load *load = new_load();
    struct coh_opened opened = {0};
    int result;

    if (!load) {
        return 1;
    }
    result = coh_load_run(load, options, service, false);
    if (result == 0 && !is_quiet) {
        fprintf(
            stderr, "cohort: the configuration file %s syntax is ok\n", name);
    }
    if (result == 0) {
        result = coh_opened_init(&opened, load, true);
    }
    if (result < 0 || !is_quiet) {
        fprintf(
            stderr, "cohort: configuration file %s test %s\n", name,
            result < 0 ? "failed" : "is successful");
    }
    if (result == 0 && is_dump) {
        coh_dump(load, stdout);
    }
    coh_opened_fini(&opened, load);
    coh_load_free(load);
    free(load);
    return result < 0 ? 1 : 0;
}
