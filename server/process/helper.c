/* The admin helper's life: it loads its own configuration, becomes who it is
   told to be, and serves on the sockets that the primary sends.

   States of the channel: NEW until the primary's hello, OPEN until its first
   settings, SERVING to the end. */
#include "server/process/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/service.h"
#include "server/channel/channel.h"
#include "server/process/doors.h"
#include "server/process/frames.h"
#include "server/process/privilege.h"
#include "server/process/sandbox.h"
#include "server/process/self.h"
#include "server/process/spawn.h"
#include "server/process/title.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1,
    SERVING = OPEN << 1,
};

/* The primary decides when it goes. */
static const int ignored_signals[] = {SIGPIPE,  SIGXFSZ, SIGINT,  SIGHUP,
                                      SIGWINCH, SIGTTIN, SIGTTOU, SIGUSR1,
                                      SIGUSR2,  SIGQUIT, 0};
static const int handled_signals[] = {SIGTERM, 0};

struct helper {
    const struct coh_helper_birth *birth;
    struct cohort_load *load;
    struct coh_slot *slot;
    struct coh_channel channel;
    struct cohort_self self;
    struct coh_admin *admin;
    struct coh_doors doors;
};

/* --- frames of the primary ------------------------------------------------ */

static void
fail(struct helper *helper)
{
    helper->self.status = 1;
    coh_self_quit(&helper->self);
}

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
}

/* From what the primary is to what a worker may be; nothing was served yet. */
static int
give_up_rights(struct helper *helper, const struct coh_frame_admin *settings)
{
    struct coh_identity identity = {
        .is_set = settings->has_identity != 0,
        .user = settings->user,
        .group = settings->group,
        .group_count = settings->group_count,
    };
    const char *what = "";
    int result;

    for (uint32_t i = 0; i < settings->group_count; i++) {
        identity.groups[i] = settings->groups[i];
    }
    result = coh_privilege_drop(&identity, &what);
    if (result < 0) {
        cohort_emerg(
            helper->self.log,
            "the admin helper cannot give up its privileges: %s: %s", what,
            strerror(-result));
        return result;
    }
    return coh_spawn_die_with_parent(helper->birth->primary, SIGKILL);
}

static void
on_settings(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;
    const struct coh_frame_admin *settings = message->data;

    if (settings->count != message->fd_count) {
        coh_channel_reject(channel, "has not the descriptors that it names");
        return;
    }
    if (channel->state == OPEN) {
        channel->state = SERVING;
        if (give_up_rights(helper, settings) < 0 ||
            coh_self_start(&helper->self) < 0) {
            fail(helper);
            return;
        }
        coh_sandbox_enter_basic(helper->load, helper->self.log);
    }
    if (coh_doors_set(&helper->doors, settings, message->fds) < 0) {
        fail(helper);
    }
}

static void
on_reopen(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;
    const struct coh_frame_reopen *frame = message->data;

    if (message->lost_fd_count > 0) {
        coh_self_miss_files(&helper->self);
        return;
    }
    if (frame->count != message->fd_count) {
        coh_channel_reject(channel, "has not the descriptors that it names");
        return;
    }
    coh_self_reopen(
        &helper->self, frame->files, message->fds, message->fd_count);
}

static void
on_part(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;
    int fd = message->fd_count > 0 ? message->fds[0] : -1;

    coh_admin_part(helper->admin, message->data, message->size, fd);
}

static void
on_outcome(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;

    coh_admin_outcome(helper->admin, message->data, message->size);
}

static void
on_event(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;

    coh_admin_event(helper->admin, message->data, message->size);
}

static void
on_drain(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;

    (void)message;
    coh_doors_finish(&helper->doors);
    coh_admin_drain(helper->admin);
    coh_self_drain(&helper->self);
}

/* From the loop, which turns. */
static void
on_ping(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    (void)coh_channel_send(channel, COH_FRAME_PING, NULL, 0);
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct helper *helper = channel->user;

    (void)message;
    coh_self_quit(&helper->self);
}

#define TEXT_MAX (512 * 1024)

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
        .type = COH_FRAME_ADMIN,
        .name = "admin",
        .states = OPEN | SERVING,
        .min_size = sizeof(struct coh_frame_admin),
        .max_size = sizeof(struct coh_frame_admin),
        .max_fds = COH_ADMIN_ADDRESSES_MAX,
        .handle = on_settings,
    },
    {
        .type = COH_FRAME_REOPEN,
        .name = "reopen",
        .states = OPEN | SERVING,
        .min_size = sizeof(struct coh_frame_reopen),
        .max_size = sizeof(struct coh_frame_reopen),
        .max_fds = COH_FDPASS_MAX,
        .may_lose_fds = true,
        .handle = on_reopen,
    },
    {
        .type = COH_FRAME_PART,
        .name = "part",
        .states = SERVING,
        .min_size = sizeof(struct coh_frame_part),
        .max_size = TEXT_MAX,
        .max_fds = 1,
        .handle = on_part,
    },
    {
        .type = COH_FRAME_OUTCOME,
        .name = "outcome",
        .states = SERVING,
        .min_size = sizeof(struct coh_frame_outcome),
        .max_size = TEXT_MAX,
        .handle = on_outcome,
    },
    {
        .type = COH_FRAME_EVENT,
        .name = "event",
        .states = OPEN | SERVING,
        .min_size = sizeof(struct coh_frame_event),
        .max_size = TEXT_MAX,
        .handle = on_event,
    },
    {
        .type = COH_FRAME_DRAIN,
        .name = "drain",
        .states = OPEN | SERVING,
        .handle = on_drain,
    },
    {
        .type = COH_FRAME_PING,
        .name = "ping",
        .states = OPEN | SERVING,
        .handle = on_ping,
    },
};

static const struct coh_channel_role role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

/* --- its life ------------------------------------------------------------- */

static int
ask(void *user, const struct coh_frame_ask *frame, struct cohort_str data)
{
    struct helper *helper = user;
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)frame, .iov_len = sizeof(*frame)},
        {.iov_base = (void *)(uintptr_t)data.data, .iov_len = data.size},
    };

    return coh_channel_sendv(
        &helper->channel, COH_FRAME_ASK, parts, 2, NULL, 0);
}

static void
on_signal(void *user, int number, bool is_by_process)
{
    (void)number;
    (void)is_by_process;
    coh_self_quit(user);
}

static int
say_hello(struct helper *helper)
{
    struct coh_frame_hello hello;

    coh_hello_fill(&hello, 0, 0, UINT32_MAX);
    return coh_channel_send(
        &helper->channel, COH_FRAME_HELLO, &hello, sizeof(hello));
}

static int
serve(struct helper *helper)
{
    struct coh_admin_link link = {.ask = ask, .user = helper};
    struct cohort_self *self = &helper->self;
    int result = coh_self_init(self, handled_signals, on_signal);

    if (result == 0) {
        result = coh_doors_init(&helper->doors, &self->intake, helper->load);
    }
    if (result < 0) {
        close(helper->birth->channel);
    } else {
        result = coh_channel_init(
            &helper->channel, &self->loop, helper->birth->channel, &role,
            helper, self->log);
    }
    if (result == 0) {
        coh_admin_connect(helper->admin, &link);
        result = say_hello(helper);
    }
    if (result == 0) {
        result = coh_loop_run(&self->loop);
    }
    coh_channel_fini(&helper->channel); /* its events are of the loop */
    coh_self_fini(self);
    return result < 0 ? 1 : self->status;
}

int
coh_helper_run(
    const struct coh_helper_birth *birth,
    const struct coh_helper_program *program)
{
    struct helper helper = {.birth = birth, .admin = program->admin};
    int status = 1;

    coh_title_set("cohort: admin");
    coh_spawn_child_signals(ignored_signals);
    helper.channel.fd = -1;
    helper.load = calloc(1, sizeof(*helper.load));
    helper.slot = aligned_alloc(COH_SLOT_ALIGN, sizeof(*helper.slot));
    if (!helper.load || !helper.slot) {
        free(helper.load);
        free(helper.slot);
        return 1;
    }
    memset(helper.slot, 0, sizeof(*helper.slot));
    helper.load->tell = coh_load_tell_stderr;
    helper.self = (struct cohort_self){
        .load = helper.load,
        .slot = helper.slot,
        .channel = &helper.channel,
        .signals.fd = -1,
    };
    if (coh_load_run(helper.load, program->options, program->service, false) ==
        0) {
        status = serve(&helper);
    }
    coh_load_free(helper.load);
    free(helper.load);
    free(helper.slot);
    return status;
}
