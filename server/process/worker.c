/* A worker: the channel's frames, its signals, and the steps of its life.

   States of the channel: NEW until the primary's hello, OPEN until START,
   SERVING until DRAIN, LEAVING to the end. */
#include "server/process/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <cohort/cluster.h>

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

enum {
    OPEN = COH_CHANNEL_NEW << 1,
    SERVING = OPEN << 1,
    LEAVING = SERVING << 1,
};

#define SECRET_LIMIT_MS 10000

/* Without a primary: long enough for requests in progress, and over before the
   alarm of on_parent_death. */
#define ORPHAN_LIMIT_MS 700

/* From the terminal they reach everybody, but the primary decides. */
static const int ignored_signals[] = {SIGPIPE,  SIGXFSZ, SIGINT,  SIGHUP,
                                      SIGWINCH, SIGTTIN, SIGTTOU, SIGUSR1,
                                      SIGUSR2,  0};
static const int handled_signals[] = {SIGTERM, SIGQUIT, 0};

/* --- frames of the primary ------------------------------------------------ */

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
}

static void
on_listeners(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;
    const struct coh_frame_listener *listeners = message->data;
    size_t count = message->size / sizeof(*listeners);
    size_t fds_taken = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t index = listeners[i].index;
        int fd = -1;

        if (index >= self->load->listener_count) {
            coh_channel_reject(channel, "names a listener that is none");
            return;
        }
        if (listeners[i].has_fd && fds_taken < message->fd_count) {
            fd = message->fds[fds_taken];
            message->fds[fds_taken++] = -1;
        }
        coh_intake_set(
            &self->intake, index, (enum cohort_policy)listeners[i].policy,
            &self->load->listeners[index].address, fd,
            self->load->listeners[index].user);
    }
}

static void
on_start(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    (void)message;
    channel->state = SERVING;
    if (coh_intake_start(&self->intake) < 0) {
        self->status = 1;
        coh_self_quit(self);
    }
}

static void
on_connections(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    coh_loop_update(&self->loop);
    coh_intake_offered(&self->intake, message);
}

static void
on_reopen(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_reopen *frame = message->data;

    if (frame->count != message->fd_count) {
        coh_channel_reject(channel, "has not the descriptors that it names");
        return;
    }
    coh_self_reopen(
        channel->user, frame->files, message->fds, message->fd_count);
}

static void
on_secret(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_answer *frame = message->data;
    struct cohort_self *self = channel->user;

    if (frame->index >= self->load->secret_count ||
        self->load->secrets[frame->index].area) {
        coh_channel_reject(channel, "brings a secret that is none");
        return;
    }
    self->load->secrets[frame->index].area = coh_secret_map(message->fds[0]);
    if (!self->load->secrets[frame->index].area) {
        coh_channel_reject(channel, "brings a secret that cannot be mapped");
    }
}

/* A NUL stands behind the value, so that services may read it as a text. */
static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;
    const char *text = message->data;

    if (text[message->size - 1] != '\0') {
        coh_channel_reject(channel, "has no end");
        return;
    }
    coh_loop_update(&self->loop);
    coh_self_deliver(self, text, message->size - 1);
}

static void
on_drain(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    channel->state = LEAVING;
    coh_self_drain(channel->user);
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    (void)message;
    cohort_alert(self->log, "the primary is gone, leaving");
    coh_self_drain_within(self, ORPHAN_LIMIT_MS);
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_LISTENERS,
        .name = "listeners",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_listener),
        .max_size = COH_LOAD_LISTENERS_MAX * sizeof(struct coh_frame_listener),
        .max_fds = COH_FDPASS_MAX,
        .handle = on_listeners,
    },
    {
        .type = COH_FRAME_SECRET_OPEN,
        .name = "secret",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_answer),
        .max_size = sizeof(struct coh_frame_answer),
        .min_fds = 1,
        .max_fds = 1,
        .handle = on_secret,
    },
    {
        .type = COH_FRAME_START,
        .name = "start",
        .states = OPEN,
        .handle = on_start,
    },
    {
        .type = COH_FRAME_CONNECTIONS,
        .name = "connections",
        .states = SERVING | LEAVING,
        .min_size = sizeof(struct coh_frame_connection),
        .max_size = COH_HANDOFF_WINDOW * sizeof(struct coh_frame_connection),
        .max_fds = COH_HANDOFF_WINDOW,
        .may_lose_fds = true,
        .handle = on_connections,
    },
    {
        .type = COH_FRAME_REOPEN,
        .name = "reopen",
        .states = OPEN | SERVING | LEAVING,
        .min_size = sizeof(struct coh_frame_reopen),
        .max_size = sizeof(struct coh_frame_reopen),
        .max_fds = COH_FDPASS_MAX,
        .handle = on_reopen,
    },
    {
        .type = COH_FRAME_MESSAGE,
        .name = "message",
        .states = OPEN | SERVING | LEAVING,
        .min_size = 2,
        .max_size = COHORT_MESSAGE_MAX + 1,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_DRAIN,
        .name = "drain",
        .states = OPEN | SERVING | LEAVING,
        .handle = on_drain,
    },
};

static const struct coh_channel_role role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

/* --- its life ------------------------------------------------------------- */

static void
on_signal(void *user, int number, bool is_by_process)
{
    (void)is_by_process;
    if (number == SIGQUIT) {
        coh_self_drain(user);
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
   logs are written out. Who is not through within a second is ended by the
   alarm. */
static void
on_parent_death(int number)
{
    (void)number;
    alarm(1);
}

static int
leave_with_parent(pid_t parent)
{
    const struct sigaction action = {
        .sa_handler = on_parent_death, .sa_flags = SA_RESTART};

    if (sigaction(SIGRTMIN, &action, NULL) < 0) {
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
            &channel, &self.loop, birth->channel, &role, &self, self.log) < 0) {
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
    int status = 1;

    close(birth->slots);
    if (slot) {
        coh_log_count_at(
            &slot->counters[load->first_counted + COH_COUNTED_LOG_LINES]);
    }
    coh_last_words_begin(
        birth->words, cohort_settings_log(load->conf.settings));
    if (turns) {
        if (become_worker(load, birth) == 0) {
            status = run(load, birth, slot, turns);
        }
        coh_slot_turns_unmap(turns, slot);
    }
    if (slot) {
        coh_log_count_at(NULL);
        coh_slot_unmap(slot);
    }
    coh_load_free(load);
    return status;
}
