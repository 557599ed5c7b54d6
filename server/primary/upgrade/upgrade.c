/* The old primary: start the binary on disk, and learn what becomes of it. */
#include "server/primary/upgrade/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "core/shm.h"
#include "server/primary/generation.h"
#include "server/primary/helper_tell.h"
#include "server/primary/reload.h"
#include "server/primary/upgrade/lending.h"
#include "server/primary/upgrade/names.h"
#include "server/primary/upgrade/trial.h"
#include "server/primary/upgrade/twin.h"

#define RETRY_MS 20

/* --- it fails ------------------------------------------------------------- */

static void
fail(struct coh_upgrade *upgrade)
{
    coh_trial_explain(upgrade);
    coh_upgrade_be_alone(upgrade);
    coh_upgrade_tell(upgrade, COH_EVENT_UPGRADE_FAILED, upgrade->why);
}

/* Its last words have been read when the channel has ended, too. */
static void
on_ended(struct coh_child *child, struct coh_exit how)
{
    struct coh_upgrade *upgrade =
        (struct coh_upgrade
             *)((char *)child - offsetof(struct coh_upgrade, child));

    upgrade->has_exited = true;
    upgrade->how = how;
    if (upgrade->channel.fd < 0 && upgrade->state == COH_UPGRADE_TRYING) {
        fail(upgrade);
    }
}

/* In TRYING, told by the channel. */
static void
lose(struct coh_upgrade *upgrade)
{
    if (upgrade->has_exited || upgrade->child.pidfd < 0) {
        fail(upgrade);
    } else {
        coh_child_signal(&upgrade->child, SIGKILL); /* or it is on its way */
    }
}

/* --- it is started -------------------------------------------------------- */

/* Whatever is left of the one before. */
static void
prepare(struct coh_upgrade *upgrade)
{
    coh_child_init(&upgrade->child, on_ended);
    free(upgrade->report);
    upgrade->report = NULL;
    upgrade->why[0] = '\0';
    upgrade->has_exited = false;
    coh_fds_close(&upgrade->words, 1);
    upgrade->words = coh_shm_create("cohort-words", COH_TRIAL_WORDS_SIZE);
}

/* Whoever is at the other end already is the new one by now. */
static int
hand_over_again(struct coh_upgrade *upgrade)
{
    upgrade->is_new = false;
    coh_totals_inherit(&upgrade->primary->totals);
    coh_twin_begin_again(upgrade);
    return coh_lending_send(upgrade, upgrade->channel.fd);
}

static void
try(struct coh_upgrade *upgrade)
{
    struct coh_primary *primary = upgrade->primary;
    bool is_return = upgrade->is_returning;
    int result;

    upgrade->is_wanted = false;
    upgrade->is_returning = false;
    prepare(upgrade);
    upgrade->state = COH_UPGRADE_TRYING;
    coh_upgrade_tell(upgrade, COH_EVENT_UPGRADE_BEGIN, upgrade->binary.path);
    coh_names_keep(primary);
    if (is_return) {
        result = hand_over_again(upgrade);
    } else {
        result = upgrade->words < 0 ? upgrade->words : coh_trial_start(upgrade);
    }
    if (result < 0) {
        snprintf(
            upgrade->why, sizeof(upgrade->why), "cannot start %.400s: %s",
            upgrade->binary.path, strerror(-result));
        coh_child_signal(&upgrade->child, SIGKILL);
        fail(upgrade);
        return;
    }
    coh_event_add_ms(
        &upgrade->deadline, primary->current->settings.reload_timeout_ms);
}

/* What is as good as over comes first: the process of the last attempt is
   reaped, the other primary is gone, workers or a reload that were asked for
   before have what they need. */
static bool
must_wait(const struct coh_upgrade *upgrade)
{
    const struct coh_primary *primary = upgrade->primary;

    return upgrade->child.pidfd >= 0 ||
        (upgrade->state == COH_UPGRADE_LEFT && !upgrade->is_returning) ||
        coh_reload_is_busy(primary) || primary->wants_reload;
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_upgrade *upgrade = user;

    (void)fd;
    (void)what;
    if (upgrade->state == COH_UPGRADE_LEAVING) {
        coh_upgrade_may_go(upgrade);
        return;
    }
    if (must_wait(upgrade)) {
        coh_event_add_ms(&upgrade->retry, RETRY_MS);
    } else {
        try(upgrade);
    }
}

/* Or its end of the channel will be closed in a moment. */
static bool
is_there(pid_t other)
{
    return kill(other, 0) == 0;
}

int
coh_upgrade_begin(
    struct coh_upgrade *upgrade, bool will_replace, const char **why)
{
    *why = NULL;
    if (upgrade->state == COH_UPGRADE_LEFT && is_there(upgrade->other)) {
        *why = "the old one of the last upgrade has not left yet";
    } else if (
        coh_upgrade_is_under_way(upgrade) ||
        upgrade->state == COH_UPGRADE_LEAVING || upgrade->is_wanted) {
        *why = "an upgrade is under way: first let one of the two primaries "
               "leave";
    } else if (!upgrade->binary.path) {
        *why = "it is not known where the binary is: there is no /proc";
    }
    if (*why) {
        return -EAGAIN;
    }
    upgrade->is_wanted = true;
    upgrade->will_replace = will_replace;
    coh_event_add_ms(&upgrade->retry, 0);
    return 0;
}

void
coh_upgrade_other_returns(struct coh_upgrade *upgrade)
{
    if (upgrade->state == COH_UPGRADE_LEFT && upgrade->primary->current) {
        upgrade->is_wanted = true;
        upgrade->is_returning = true;
        upgrade->will_replace = true;
        coh_event_add_ms(&upgrade->retry, 0);
    }
}

/* --- it serves ------------------------------------------------------------ */

void
coh_upgrade_ready(struct coh_upgrade *upgrade, const char *version)
{
    char text[128];

    event_del(&upgrade->deadline);
    upgrade->state = COH_UPGRADE_BOTH;
    upgrade->has_names = false;
    coh_helper_tell_settings(upgrade->primary->helper);
    coh_twin_tell_counters(upgrade);
    coh_twin_give_names(upgrade);
    coh_upgrade_start_telling(upgrade);
    snprintf(
        text, sizeof(text), "process %d serves with cohort %s",
        (int)upgrade->other, version);
    coh_upgrade_tell(upgrade, COH_EVENT_UPGRADE_READY, text);
    if (upgrade->will_replace) {
        coh_primary_quit(upgrade->primary);
    }
}

/* --- the whole ------------------------------------------------------------ */

/* It took too long to begin; or we took too long to end. */
static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct coh_upgrade *upgrade = user;

    (void)fd;
    (void)what;
    if (upgrade->state == COH_UPGRADE_LEAVING) {
        coh_primary_stop(upgrade->primary);
        return;
    }
    if (!upgrade->why[0]) {
        snprintf(
            upgrade->why, sizeof(upgrade->why),
            "%.400s took longer than reload_timeout", upgrade->binary.path);
    }
    coh_channel_fini(&upgrade->channel); /* who else may have it says nothing */
    lose(upgrade);
}

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_twin_tell_counters(user);
}

int
coh_upgrade_init(
    struct coh_upgrade *upgrade, struct coh_primary *primary,
    struct coh_handover *handover)
{
    struct event_base *base = primary->loop.base;

    *upgrade = (struct coh_upgrade){
        .primary = primary, .has_names = true, .channel.fd = -1, .words = -1};
    coh_binary_find(&upgrade->binary);
    coh_child_init(&upgrade->child, on_ended);
    event_assign(&upgrade->retry, base, -1, 0, on_retry, upgrade);
    event_assign(&upgrade->deadline, base, -1, 0, on_deadline, upgrade);
    event_assign(&upgrade->tick, base, -1, EV_PERSIST, on_tick, upgrade);
    return handover ? coh_upgrade_follow(upgrade, handover) : 0;
}

void
coh_upgrade_fini(struct coh_upgrade *upgrade)
{
    if (!upgrade->primary) {
        return;
    }
    event_del(&upgrade->retry);
    event_del(&upgrade->deadline);
    event_del(&upgrade->tick);
    coh_channel_fini(&upgrade->channel);
    coh_child_fini(&upgrade->child);
    coh_binary_fini(&upgrade->binary);
    coh_fds_close(&upgrade->words, 1);
    free(upgrade->report);
    free(upgrade->lent);
}

void
coh_upgrade_forget(struct coh_upgrade *upgrade)
{
    int fds[] = {upgrade->child.pidfd, upgrade->words};

    coh_channel_forget(&upgrade->channel);
    coh_fds_close(fds, sizeof(fds) / sizeof(fds[0]));
}

/* --- told by the channel -------------------------------------------------- */

void
coh_upgrade_other_gone(struct coh_upgrade *upgrade)
{
    switch (upgrade->state) {
    case COH_UPGRADE_TRYING:
        lose(upgrade);
        break;
    case COH_UPGRADE_FOLLOWING:
        coh_upgrade_lose_old(upgrade);
        break;
    case COH_UPGRADE_BOTH:
        coh_child_signal(&upgrade->child, SIGKILL); /* if it has gone mad */
        coh_upgrade_other_leaves(upgrade);
        coh_upgrade_be_alone(upgrade);
        break;
    case COH_UPGRADE_LEFT:
        coh_upgrade_be_alone(upgrade);
        break;
    case COH_UPGRADE_LEAVING:
        coh_upgrade_may_go(upgrade);
        break;
    default:
        break;
    }
}
