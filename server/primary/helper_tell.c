/* Frames for the admin helper: settings, log files, events. */
#include "server/primary/helper_tell.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "server/primary/helper.h"
#include "server/primary/primary.h"
#include "server/process/frames.h"

/* A frame that it does not take means that it has stopped reading: it is of no
   use any more. */
static void
tell(
    struct coh_helper *helper, enum coh_frame_type type, const void *data,
    size_t size, const int *fds, size_t fd_count)
{
    if (helper->is_running &&
        coh_channel_send_fds(
            &helper->channel, type, data, size, fds, fd_count) < 0) {
        coh_child_signal(&helper->child, SIGKILL);
    }
}

/* Where two primaries listen, the one answers that has the names. */
static bool
is_ours(const struct coh_helper *helper, uint32_t index)
{
    return helper->primary->upgrade.has_names ||
        helper->listeners[index]->lent_count == 0;
}

void
coh_helper_tell_settings(struct coh_helper *helper)
{
    struct coh_frame_admin settings = helper->settings;
    int sockets[COH_ADMIN_ADDRESSES_MAX];

    settings.primary_user = geteuid();
    settings.count = 0;
    for (uint32_t i = 0; i < helper->settings.count; i++) {
        if (is_ours(helper, i)) {
            sockets[settings.count] = helper->listeners[i]->sockets[0];
            settings.addresses[settings.count++] =
                helper->settings.addresses[i];
        }
    }
    tell(
        helper, COH_FRAME_ADMIN, &settings, sizeof(settings), sockets,
        settings.count);
}

/* Events wait in the history while so much is under way to a helper that is
   slow: what is gone from there meanwhile, it tells its listeners as lost. */
#define BACKLOG_MAX (256 * 1024) /* bytes */

void
coh_helper_tell_events(struct coh_helper *helper)
{
    const struct coh_history *history = &helper->history;

    if (helper->told + 1 < history->first) {
        helper->told = history->first - 1;
    }
    while (helper->is_running && helper->told < history->last &&
           helper->channel.queue.byte_count < BACKLOG_MAX) {
        const struct coh_recorded *recorded =
            coh_history_get(history, ++helper->told);

        if (recorded) {
            tell(
                helper, COH_FRAME_EVENT, &recorded->frame, recorded->size, NULL,
                0);
        }
    }
}

void
coh_helper_tell_first(struct coh_helper *helper)
{
    struct coh_frame_hello hello;

    coh_hello_fill(&hello, 0, 0, UINT32_MAX);
    tell(helper, COH_FRAME_HELLO, &hello, sizeof(hello), NULL, 0);
    helper->told = 0;
    coh_helper_tell_events(helper); /* before anybody can ask */
    coh_helper_tell_settings(helper);
}

int
coh_helper_log_fd(const struct coh_helper *helper)
{
    const struct coh_primary *primary = helper->primary;

    return primary->log.target_count > 0 ? primary->log_targets[0].fd
                                         : STDERR_FILENO;
}

void
coh_helper_reopen(struct coh_helper *helper)
{
    struct coh_frame_reopen frame = {.count = 1};
    int fd = coh_helper_log_fd(helper);

    tell(helper, COH_FRAME_REOPEN, &frame, sizeof(frame), &fd, 1);
}

void
coh_helper_tell_leave(struct coh_helper *helper)
{
    tell(helper, COH_FRAME_DRAIN, NULL, 0, NULL, 0);
}

/* --- events --------------------------------------------------------------- */

static void
note_reload(struct coh_helper *helper, const struct coh_event *event)
{
    struct coh_last_reload *reload = &helper->reload;
    uint64_t now_ms = coh_realtime_ms();

    if (event->kind == COH_EVENT_RELOAD_BEGIN) {
        reload->begin_ms = now_ms;
    } else if (reload->begin_ms != 0) {
        reload->is_done = event->kind == COH_EVENT_RELOAD_DONE;
        reload->generation = event->generation;
        reload->took_ms = now_ms - reload->begin_ms;
        snprintf(reload->text, sizeof(reload->text), "%s", event->text);
    }
}

void
coh_helper_on_event(void *user, const struct coh_event *event)
{
    struct coh_helper *helper = user;

    coh_history_add(
        &helper->history,
        coh_number_take(&helper->primary->numbers.words->event), event);
    coh_helper_tell_events(helper);
    if (event->kind == COH_EVENT_RELOAD_BEGIN ||
        event->kind == COH_EVENT_RELOAD_DONE ||
        event->kind == COH_EVENT_RELOAD_FAILED) {
        note_reload(helper, event);
    }
}
