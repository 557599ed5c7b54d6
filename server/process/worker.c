/* A worker: its signals, and the steps of its life. */
#include "server/process/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/log.h"
#include "server/channel/channel.h"
#include "server/process/counted.h"
#include "server/process/crash.h"
#include "server/process/frames.h"
#include "server/process/last_words.h"
#include "server/process/limits.h"
#include "server/process/placement.h"
#include "server/process/privilege.h"
#include "server/process/sandbox.h"
#include "server/process/self.h"
#include "server/process/spawn.h"
#include "server/process/title.h"
#include "server/process/worker_frames.h"

#define SECRET_LIMIT_MS 10000

/* From the terminal they reach everybody, but the primary decides. */
static const int ignored_signals[] = {SIGPIPE,  SIGXFSZ, SIGINT,  SIGHUP,
                                      SIGWINCH, SIGTTIN, SIGTTOU, SIGUSR1,
                                      SIGUSR2,  0};
static const int handled_signals[] = {SIGTERM, SIGQUIT, 0};

/* --- its life ------------------------------------------------------------- */

static void
on_signal(void *user, int number, bool is_by_process)
{
    (void)is_by_process;
    if (number == SIGQUIT) {
        coh_self_drain(user);
        coh_worker_say_draining(user);
    } else {
        coh_self_quit(user);
    }
}

/* Tell who we are, with a pidfd of our own: if the template dies before it
   answered, the primary can still reap us. (valgrind has no pidfd_open.) */
static int
say_hello(struct coh_channel *channel, const struct coh_worker_birth *birth)
{
    struct coh_frame_hello hello;
    int pidfd = pidfd_open(getpid(), 0);
    int result;

    coh_hello_fill(
        &hello, birth->request.generation, birth->request.worker_id,
        birth->request.slot);
    result = coh_channel_send_fds(
        channel, COH_FRAME_HELLO, &hello, sizeof(hello), &pidfd,
        pidfd < 0 ? 0 : 1);
    if (pidfd >= 0) {
        close(pidfd);
    }
    return result;
}

/* The channel's end tells it, too; then requests in progress are answered, and
   logs are written out. Who is not through in time, in a handler that hangs
   say, is ended by the alarm. In a process group of its own one that was
   stopped hears of it, too: the kernel continues what stands still in a group
   that has lost its parent (setpgid(2), "orphaned"). */
static void
on_parent_death(int number)
{
    const struct itimerval life = {
        .it_value.tv_usec = COH_SPAWN_ORPHAN_LIFE_MS * 1000};
    int before = errno;

    (void)number;
    setitimer(ITIMER_REAL, &life, NULL);
    errno = before;
}

static int
leave_with_parent(pid_t parent)
{
    const struct sigaction action = {
        .sa_handler = on_parent_death, .sa_flags = SA_RESTART};

    if (sigaction(SIGRTMIN, &action, NULL) < 0 || setpgid(0, 0) < 0) {
        return -errno;
    }
    return coh_spawn_die_with_parent(parent, SIGRTMIN);
}

/* From what the template was to what a worker may be. 0 or -errno after a log
   line. */
static int
become_worker(struct cohort_load *load, const struct coh_worker_birth *birth)
{
    struct cohort_log *log = cohort_settings_log(load->conf.settings);
    const struct coh_placement *placement =
        coh_placement_of(load->conf.settings);
    const char *what = "";
    int result;

    coh_title_set("cohort: worker %" PRIu64, birth->request.worker_id);
    coh_limits_apply(load->settings, log);
    coh_placement_apply(placement, birth->request.place, log);
    coh_environment_apply(load->settings, load->arena);
    coh_environment_add(birth->environment);
    result = coh_privilege_drop(&load->settings->identity, &what);
    if (result < 0) {
        cohort_emerg(
            log, "a worker cannot give up its privileges: %s: %s", what,
            strerror(-result));
        return result;
    }
    coh_placement_settle(placement, log);
    coh_spawn_child_signals(ignored_signals);
    return leave_with_parent(birth->parent);
}

/* They were sent before this process was forked, so this does not wait:
   services have them from their start on. */
static int
take_secrets(struct cohort_self *self)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < self->load->secret_count; i++) {
        if (!self->load->secrets[i].area) {
            result = coh_channel_wait_for(
                self->channel, COH_FRAME_SECRET_OPEN, SECRET_LIMIT_MS);
        }
    }
    return result;
}

/* Serve until the loop ends. */
static void
serve(struct cohort_self *self, const struct coh_worker_birth *birth)
{
    struct coh_channel *channel = self->channel;
    int result;

    if (say_hello(channel, birth) < 0) {
        return;
    }
    coh_crash_begin(self);
    result = coh_pulse_begin(
        &self->beat, &self->slot->pulse, &self->loop,
        coh_upkeep_of(self->load->conf.settings)->watchdog_ms);
    if (result == 0) {
        result = take_secrets(self);
    }
    if (result == 0) {
        result = coh_self_start(self);
    }
    if (result == 0) {
        result = coh_sandbox_enter(self->load, self->log);
    }
    if (result == 0) {
        coh_last_words_end();
        result = coh_channel_send(channel, COH_FRAME_READY, NULL, 0);
    }
    if (result == 0) {
        result = coh_loop_run(&self->loop);
    }
    if (result < 0) {
        self->status = 1;
    }
}

static int
run(struct cohort_load *load, const struct coh_worker_birth *birth,
    struct coh_slot *slot, struct coh_turns_area *turns)
{
    struct coh_channel channel = {.fd = -1};
    struct cohort_self self = {
        .id = birth->request.worker_id,
        .load = load,
        .slot = slot,
        .channel = &channel,
    };
    int result = coh_turns_init(
        &self.turns, turns, (unsigned)slot->slot_count, birth->request.slot);

    if (result == 0) {
        result = coh_self_init(&self, handled_signals, on_signal);
    }

    if (result < 0) {
        self.status = 1;
        close(birth->channel);
    } else if (
        coh_channel_init(
            &channel, &self.loop, birth->channel, &coh_worker_self_role, &self,
            self.log) < 0) {
        self.status = 1;
    } else {
        serve(&self, birth);
        coh_channel_flush(&channel);
    }
    coh_channel_fini(&channel);
    coh_self_fini(&self);
    coh_crash_end();
    coh_turns_fini(&self.turns);
    return self.status;
}

int
coh_worker_run(struct cohort_load *load, const struct coh_worker_birth *birth)
{
    struct coh_slot *slot = coh_slot_map(birth->slots, birth->request.slot);
    struct coh_turns_area *turns =
        slot ? coh_slot_turns_map(birth->slots, slot) : NULL;
    struct cohort_log *log = cohort_settings_log(load->conf.settings);
    int error = errno;
    int status = 1;

    close(birth->slots);
    if (slot) {
        coh_log_count_at(
            &slot->counters[load->first_counted + COH_COUNTED_LOG_LINES]);
    }
    coh_last_words_begin(birth->words, log);
    if (turns) {
        if (become_worker(load, birth) == 0) {
            status = run(load, birth, slot, turns);
        }
        coh_slot_turns_unmap(turns, slot);
    } else {
        cohort_crit(
            log, "cannot map the memory that is shared with the primary: %s",
            strerror(error));
    }
    if (slot) {
        coh_log_count_at(NULL);
        coh_slot_unmap(slot);
    }
    coh_load_free(load);
    return status;
}
