/* Sockets of programs that are given them: opened before the first worker is
   started, kept while others follow it. */
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/socket.h"
#include "server/primary/groups/group.h"
#include "server/primary/groups/group_address.h"
#include "server/primary/primary.h"

#define STANDARD_COUNT 3 /* descriptors below the sockets */

static int
open_all(struct coh_group *group, char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_frame_group *frame = group->declaration->frame;
    int result = 0;

    for (uint32_t i = 0; result == 0 && i < frame->listen_count; i++) {
        struct coh_listen_request request = {
            .address.size = frame->listens[i].address_size,
            .options = frame->listens[i].options,
        };

        memcpy(
            &request.address.u, &frame->listens[i].address,
            request.address.size);
        result = coh_group_address_check(group, &request.address, why);
        if (result == 0) {
            result = coh_listener_open(
                &group->primary->listeners, &request, &group->listeners[i],
                why);
        }
        if (result == 0) {
            group->listeners[group->listener_count++]->given_count++;
        }
    }
    return result;
}

/* Standard streams as declared, then the sockets. */
static void
set_stdio(struct coh_group *group, struct cohort_settings *settings)
{
    unsigned count = STANDARD_COUNT + group->listener_count;
    struct cohort_stdio *stdio =
        coh_arena_alloc(group->declaration->arena, count * sizeof(*stdio));

    for (unsigned i = 0; i < STANDARD_COUNT; i++) {
        stdio[i].kind = settings->silent == COHORT_YES ? COHORT_STDIO_PIPE
                                                       : COHORT_STDIO_INHERIT;
        if (i < settings->stdio_count) {
            stdio[i] = settings->stdio[i];
        }
    }
    for (unsigned i = 0; i < group->listener_count; i++) {
        stdio[STANDARD_COUNT + i] = (struct cohort_stdio){
            .kind = COHORT_STDIO_FD,
            .fd = group->listeners[i]->sockets[0],
        };
    }
    settings->stdio = stdio;
    settings->stdio_count = count;
}

/* "LISTEN_FDNAMES=web:admin", behind what the declaration has. */
static void
set_names(struct coh_group *group, struct cohort_settings *settings)
{
    const struct coh_group_declaration *declaration = group->declaration;
    uint32_t count = declaration->frame->variable_count;
    const char **words =
        coh_arena_alloc(declaration->arena, (count + 2) * sizeof(*words));
    const char *names = "LISTEN_FDNAMES";

    for (unsigned i = 0; i < group->listener_count; i++) {
        names = coh_arena_printf(
            declaration->arena, "%s%s%s", names, i == 0 ? "=" : ":",
            declaration->listen_names[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        words[i] = settings->environment[i];
    }
    words[count] = names;
    settings->environment = words;
}

int
coh_group_listen(
    struct coh_group *group, struct cohort_settings *settings,
    char why[COH_LISTENER_WHY_MAX])
{
    int result;

    if (settings->protocol != COHORT_PROTOCOL_LISTEN_FDS) {
        return 0;
    }
    result = open_all(group, why);
    if (result == 0) {
        set_stdio(group, settings);
        set_names(group, settings);
    }
    return result;
}

/* Another program has it: of this group, or of one that leaves. */
static bool
is_in_use(struct coh_primary *primary, const struct coh_listener *listener)
{
    const struct coh_group *group;
    const struct cohort_worker *member;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (!coh_group_gives(group, listener)) {
            continue;
        }
        TAILQ_FOREACH (member, &group->cluster.members, link) {
            if (!member->has_exited) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a socket blocks is the same for all who have it. Who accepts from one
   in this server, or in the other one of an upgrade, needs one that does not,
   and programs beside each other have it as the first one has set it. */
void
coh_group_lend(struct coh_group *group)
{
    for (unsigned i = 0; i < group->listener_count; i++) {
        const struct coh_listener *listener = group->listeners[i];

        if (listener->lent_count == 0 &&
            coh_listener_acceptor_count(listener) == 0 &&
            !coh_group_has_stragglers(group->primary, listener) &&
            !is_in_use(group->primary, listener)) {
            coh_fd_set_nonblocking(listener->sockets[0], false);
        }
    }
}

bool
coh_group_gives(
    const struct coh_group *group, const struct coh_listener *listener)
{
    for (unsigned i = 0; i < group->listener_count; i++) {
        if (group->listeners[i] == listener) {
            return true;
        }
    }
    return false;
}

void
coh_group_unlisten(struct coh_group *group)
{
    while (group->listener_count > 0) {
        struct coh_listener *listener =
            group->listeners[--group->listener_count];

        coh_listener_give_no_more(listener);
        coh_listener_release(listener);
    }
}
