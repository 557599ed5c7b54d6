/* Groups and their members, put into parts of answers. */
#include "server/primary/snapshot_groups.h"

#include <stdio.h>

#include "core/clock.h"
#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/helper.h"
#include "server/primary/snapshot.h"

#define SET_WORD(member, word) snprintf((member), sizeof(member), "%s", (word))

/* --- a worker ------------------------------------------------------------- */

static enum coh_worker_state
state_of(struct coh_group *group, const struct cohort_worker *member)
{
    if (member->is_leaving || group->state == COH_GROUP_LEAVING ||
        member->state == COHORT_WORKER_DISCONNECTED) {
        return COH_WORKER_DRAINING;
    }
    if (!coh_group_has_ready(group, member)) {
        return COH_WORKER_STARTING;
    }
    return group->state == COH_GROUP_SERVING ? COH_WORKER_SERVING
                                             : COH_WORKER_READY;
}

/* Programs of another kind do not tell. */
static uint64_t
connections_of(const struct cohort_worker *member)
{
    const struct coh_seat *seat;
    uint64_t count = 0;

    if (member->codec != &coh_codec_native) {
        return COH_ADMIN_UNKNOWN;
    }
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        count += atomic_load_explicit(
            &seat->peer.words->open_count, memory_order_relaxed);
    }
    return count;
}

void
coh_snapshot_fill_member(
    struct coh_part_worker *part, struct coh_group *group,
    const struct cohort_worker *member)
{
    *part = (struct coh_part_worker){
        .id = member->id,
        .generation = group->generation,
        .start_ms = coh_realtime_ms() - (coh_monotonic_ms() - member->born_ms),
        .connections = connections_of(member),
        .requests = COH_ADMIN_UNKNOWN,
        .lag_ms = COH_ADMIN_UNKNOWN,
        .slot = COH_ADMIN_NOBODY,
        .pid = member->pid > 0 ? member->pid : 0,
        .is_leaving = member->leaving == COHORT_LEAVING_VOLUNTARY,
    };
    SET_WORD(
        part->state,
        coh_watched_is_stuck(&member->watched)
            ? "stuck"
            : coh_snapshot_state_name(state_of(group, member)));
    if (part->is_leaving) {
        SET_WORD(part->reason, cohort_reason_name(member->reason));
    }
    SET_WORD(part->group, group->name);
}

/* --- groups --------------------------------------------------------------- */

static int
send_part(struct coh_helper *helper, const struct coh_part_group *part)
{
    return coh_channel_send(
        &helper->channel, COH_FRAME_PART, part, sizeof(*part));
}

static int
send_main(
    struct coh_helper *helper, uint64_t number,
    const struct coh_generation *current)
{
    const struct coh_worker *worker;
    struct coh_part_group part = {
        .head = {.number = number, .kind = COH_PART_GROUP, .count = 1},
        .generation = current->number,
        .target = current->target,
        .max = current->settings.worker_processes_max,
    };

    SET_WORD(part.name, COH_GROUP_MAIN);
    SET_WORD(part.protocol, "built-in");
    SET_WORD(part.program, helper->primary->program->service->name);
    TAILQ_FOREACH (worker, &helper->primary->workers, link) {
        part.counts[worker->state]++;
    }
    return send_part(helper, &part);
}

static const char *
protocol_name(const struct coh_group *group)
{
    static const char *const names[] = {
        [COHORT_PROTOCOL_COHORT] = "cohort",
        [COHORT_PROTOCOL_NODE] = "node",
        [COHORT_PROTOCOL_LISTEN_FDS] = "listen_fds",
    };

    return names[group->declaration->settings.protocol];
}

static int
send_group(struct coh_helper *helper, uint64_t number, struct coh_group *group)
{
    const struct cohort_worker *member;
    struct coh_part_group part = {
        .head = {.number = number, .kind = COH_PART_GROUP, .count = 1},
        .generation = group->generation,
        .target = group->target,
        .max = coh_group_max(group),
    };

    SET_WORD(part.name, group->name);
    SET_WORD(part.protocol, protocol_name(group));
    SET_WORD(part.program, group->cluster.settings->shown.exec);
    TAILQ_FOREACH (member, &group->cluster.members, link) {
        part.counts[state_of(group, member)]++;
    }
    return send_part(helper, &part);
}

int
coh_snapshot_send_groups(struct coh_helper *helper, uint64_t number)
{
    const struct coh_generation *current = helper->primary->current;
    int result = 0;

    if (!current) {
        return 0;
    }
    if (current->settings.worker_processes > 0) {
        result = send_main(helper, number, current);
    }
    for (size_t i = 0; result == 0 && i < current->group_count; i++) {
        result = send_group(helper, number, current->groups[i]);
    }
    return result;
}

/* --- where they listen ---------------------------------------------------- */

static int
send_address(
    struct coh_helper *helper, uint64_t number, const struct coh_group *group,
    const struct coh_addr *address, const char *policy)
{
    struct coh_part_address part = {
        .head = {.number = number, .kind = COH_PART_ADDRESS, .count = 1}};

    coh_addr_format(address, part.address);
    SET_WORD(part.policy, policy);
    SET_WORD(part.group, group->name);
    return coh_channel_send(
        &helper->channel, COH_FRAME_PART, &part, sizeof(part));
}

/* Programs that were given sockets share them. */
static int
send_addresses(
    struct coh_helper *helper, uint64_t number, const struct coh_group *group)
{
    const struct coh_site *site;
    int result = 0;

    for (unsigned i = 0; result == 0 && i < group->listener_count; i++) {
        result = send_address(
            helper, number, group, &group->listeners[i]->address,
            coh_policy_of(COHORT_POLICY_SHARED)->name);
    }
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (result == 0) {
            result = send_address(
                helper, number, group, &site->bound,
                coh_policy_of(
                    site->udp >= 0 ? COHORT_POLICY_SHARED : site->policy)
                    ->name);
        }
    }
    return result;
}

int
coh_snapshot_send_group_addresses(struct coh_helper *helper, uint64_t number)
{
    const struct coh_generation *current = helper->primary->current;
    int result = 0;

    for (size_t i = 0; current && result == 0 && i < current->group_count;
         i++) {
        result = send_addresses(helper, number, current->groups[i]);
    }
    return result;
}

/* --- how many there are --------------------------------------------------- */

unsigned
coh_snapshot_count_members(const struct coh_generation *generation)
{
    const struct coh_primary *primary = generation->primary;
    const struct coh_group *group;
    unsigned count = 0;

    TAILQ_FOREACH (group, &primary->groups, link) {
        uint64_t number = group->state == COH_GROUP_SERVING && primary->current
            ? primary->current->number
            : group->generation;

        count += number == generation->number ? group->cluster.member_count : 0;
    }
    return count;
}
