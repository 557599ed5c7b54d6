/* Sockets on their way from one primary to the next. */
#include "server/primary/upgrade/lending.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/accept/steer.h"
#include "server/primary/generation.h"
#include "server/primary/helper.h"
#include "server/primary/upgrade/handover.h"
#include "server/primary/upgrade/scaled.h"
#include "server/primary/upgrade/upgrade.h"
#include "server/primary/upgrade/upgrade_records.h"

/* --- sent ----------------------------------------------------------------- */

/* The new one binds admin sockets of its own and moves them over ours: who asks
   there must know whom. */
static bool
is_admin_socket(
    const struct coh_primary *primary, const struct coh_listener *listener)
{
    const struct coh_helper *helper = primary->helper;

    for (uint32_t i = 0; i < helper->settings.count; i++) {
        if (helper->listeners[i] == listener) {
            return listener->address.u.any.sa_family == AF_UNIX;
        }
    }
    return false;
}

static int
collect(struct coh_upgrade *upgrade)
{
    struct coh_primary *primary = upgrade->primary;
    struct coh_listener *listener;
    size_t count = 0;

    TAILQ_FOREACH (listener, &primary->listeners.list, link) {
        count++;
    }
    upgrade->lent = calloc(count + 1, sizeof(struct coh_listener *));
    if (!upgrade->lent) {
        return -ENOMEM;
    }
    TAILQ_FOREACH (listener, &primary->listeners.list, link) {
        if (!listener->is_adopted && !listener->emptying &&
            !coh_listener_is_closed(listener) &&
            !is_admin_socket(primary, listener)) {
            listener->references++;
            listener->lent_count = listener->socket_count;
            upgrade->lent[upgrade->lent_count++] = listener;
        }
    }
    return 0;
}

static void
describe(struct coh_state *state, const struct coh_listener *listener)
{
    const struct coh_state_listener record = {
        .address = listener->address,
        .options = listener->options,
        .is_activated = listener->is_inherited,
        .socket_count = listener->socket_count,
        .live_count = listener->live_count,
        .file_device = listener->file_device,
        .file_number = listener->file_number,
    };

    coh_state_add_listener(state, &record);
}

/* With room for those of secrets behind them. */
static int *
list_sockets(const struct coh_upgrade *upgrade, size_t *count)
{
    int *fds;

    *count = 0;
    for (size_t i = 0; i < upgrade->lent_count; i++) {
        *count += upgrade->lent[i]->socket_count;
    }
    fds = calloc(*count + COH_SECRETS_MAX, sizeof(*fds));
    *count = 0;
    for (size_t i = 0; fds && i < upgrade->lent_count; i++) {
        const struct coh_listener *listener = upgrade->lent[i];

        memcpy(
            fds + *count, listener->sockets,
            listener->socket_count * sizeof(*fds));
        *count += listener->socket_count;
    }
    return fds;
}

static int
send_all(struct coh_upgrade *upgrade, int channel)
{
    struct coh_state state;
    size_t count;
    int *fds = list_sockets(upgrade, &count);
    int memory;
    int result;

    coh_state_init(&state);
    for (size_t i = 0; i < upgrade->lent_count; i++) {
        describe(&state, upgrade->lent[i]);
    }
    if (fds) {
        count += coh_secrets_describe(
            &upgrade->primary->secrets, &state, fds + count);
    }
    coh_scaled_describe(upgrade->primary, &state);
    memory = fds ? coh_state_seal(&state) : -ENOMEM;
    coh_state_fini(&state);
    result = memory < 0
        ? memory
        : coh_handover_send(
              channel, memory, upgrade->primary->numbers.fd, fds, count);
    if (memory >= 0) {
        close(memory);
    }
    free(fds);
    return result;
}

int
coh_lending_send(struct coh_upgrade *upgrade, int channel)
{
    int result = collect(upgrade);

    return result < 0 ? result : send_all(upgrade, channel);
}

/* --- inherited ------------------------------------------------------------ */

static int
inherit(
    struct coh_upgrade *upgrade, const struct coh_state_listener *record,
    int *fds)
{
    const struct coh_listen_request request = {
        .address = record->address, .options = record->options};
    struct coh_listener **listener = &upgrade->lent[upgrade->lent_count];
    int result = coh_listener_inherit(
        &upgrade->primary->listeners, &request, fds, record->socket_count,
        listener);

    if (result < 0) {
        return result;
    }
    (*listener)->is_inherited = record->is_activated;
    (*listener)->live_count = record->live_count;
    (*listener)->file_device = (dev_t)record->file_device;
    (*listener)->file_number = (ino_t)record->file_number;
    upgrade->lent_count++;
    return 0;
}

/* How many listeners can there be? */
static size_t
count_records(const struct coh_handover *handover)
{
    return handover->fd_count + 1; /* each has a socket at least */
}

int
coh_lending_inherit(struct coh_upgrade *upgrade, struct coh_handover *handover)
{
    struct coh_state_reader reader;
    struct coh_state_record record;
    struct coh_state_listener listener;
    char why[COH_STATE_WHY_MAX];
    size_t used = 0;
    int result =
        coh_state_open(&reader, handover->state, handover->state_size, why);

    upgrade->lent =
        calloc(count_records(handover), sizeof(struct coh_listener *));
    if (!upgrade->lent) {
        return -ENOMEM;
    }
    while (result >= 0 && (result = coh_state_next(&reader, &record)) > 0) {
        if (record.type == COH_STATE_SECRET && used < handover->fd_count) {
            result = coh_secrets_inherit(
                &upgrade->primary->secrets, &upgrade->primary->loop, &record,
                handover->fds[used++]);
            continue;
        }
        if (record.type == COH_STATE_TARGET) {
            result = coh_scaled_inherit(&upgrade->primary->scaled, &record);
            continue;
        }
        if (record.type != COH_STATE_LISTENER) {
            continue; /* of a newer one: we can do without */
        }
        result = coh_state_read_listener(&record, &listener);
        if (result == 0 && listener.socket_count > handover->fd_count - used) {
            result = -EPROTO;
        }
        if (result == 0) {
            result = inherit(upgrade, &listener, handover->fds + used);
            used += listener.socket_count;
        }
    }
    return result;
}

/* --- who uses what -------------------------------------------------------- */

static void
let_go(struct coh_listener **listener)
{
    (*listener)->is_kept = false;
    coh_listener_release(*listener);
    *listener = NULL;
}

void
coh_lending_used(
    struct coh_upgrade *upgrade, const uint8_t *are_used, size_t count)
{
    for (size_t i = 0; i < upgrade->lent_count && i < count; i++) {
        if (!are_used[i]) {
            upgrade->lent[i]->lent_count = 0;
            let_go(&upgrade->lent[i]);
        }
    }
}

static void
release(struct coh_upgrade *upgrade)
{
    for (size_t i = 0; i < upgrade->lent_count; i++) {
        if (upgrade->lent[i]) {
            let_go(&upgrade->lent[i]);
        }
    }
    free(upgrade->lent);
    upgrade->lent = NULL;
    upgrade->lent_count = 0;
}

/* Sockets of places that we have not are the old one's; new connections come
   where both accept. */
static void
steer(const struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_acceptor *acceptor = &generation->acceptors[i];
        unsigned wanted = acceptor->listener && acceptor->policy->is_per_place
            ? generation->target
            : 1;

        if (acceptor->listener &&
            acceptor->listener->address.u.any.sa_family != AF_UNIX &&
            acceptor->listener->socket_count > wanted) {
            (void)coh_steer_group(acceptor->listener->sockets[0], wanted);
        }
    }
}

void
coh_lending_settle(struct coh_upgrade *upgrade, uint8_t *are_used)
{
    for (size_t i = 0; i < upgrade->lent_count; i++) {
        are_used[i] = upgrade->lent[i]->references > 1;
    }
    release(upgrade);
    if (upgrade->state != COH_UPGRADE_ALONE) {
        steer(upgrade->primary->current);
    }
}

/* --- the end -------------------------------------------------------------- */

/* What the other one has set on it is as we want it again. */
static void
set_options_again(struct coh_listener *listener)
{
    const struct cohort_listen_options wanted = listener->options;

    /* As if everything were set otherwise. */
    listener->options = (struct cohort_listen_options){
        .backlog = INT_MAX,
        .fastopen = 1,
        .deferred = true,
        .keepalive = 1,
        .mode = wanted.mode,
    };
    coh_listener_apply(listener, &wanted);
}

void
coh_lending_own(struct coh_upgrade *upgrade)
{
    struct coh_listener *listener;

    TAILQ_FOREACH (listener, &upgrade->primary->listeners.list, link) {
        if (listener->lent_count > 0) {
            listener->lent_count = 0;
            set_options_again(listener);
        }
    }
}

void
coh_lending_end(struct coh_upgrade *upgrade)
{
    coh_lending_own(upgrade);
    release(upgrade);
}

void
coh_lending_unsteer(struct coh_upgrade *upgrade)
{
    struct coh_listener *listener;

    TAILQ_FOREACH (listener, &upgrade->primary->listeners.list, link) {
        if (listener->address.u.any.sa_family != AF_UNIX &&
            !listener->emptying && listener->socket_count > 1) {
            (void)coh_steer_group_end(listener->sockets[0]);
        }
    }
}
