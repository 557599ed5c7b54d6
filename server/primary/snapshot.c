/* State, workers and counters as they are now, all of one moment. */
#include "server/primary/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/frames.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/helper.h"
#include "server/primary/main_group.h"
#include "server/primary/scale.h"
#include "server/primary/snapshot_groups.h"
#include "server/process/sandbox.h"

static const char *const primary_states[] = {
    [COH_PRIMARY_STARTING] = "starting",
    [COH_PRIMARY_SERVING] = "serving",
    [COH_PRIMARY_QUITTING] = "quitting",
    [COH_PRIMARY_STOPPING] = "stopping",
};

static const char *const generation_states[] = {
    [COH_GENERATION_LOADING] = "loading",
    [COH_GENERATION_STARTING] = "starting",
    [COH_GENERATION_TRYING] = "trying",
    [COH_GENERATION_SERVING] = "serving",
    [COH_GENERATION_RETIRING] = "retiring",
    [COH_GENERATION_ENDING] = "ending",
};

const char *
coh_snapshot_state_name(enum coh_worker_state state)
{
    static const char *const names[] = {
        [COH_WORKER_STARTING] = "starting",
        [COH_WORKER_READY] = "ready",
        [COH_WORKER_SERVING] = "serving",
        [COH_WORKER_DRAINING] = "draining",
    };

    return names[state];
}

#define SET_WORD(member, word) snprintf((member), sizeof(member), "%s", (word))

static int
send_part(struct coh_helper *helper, const void *part, size_t size)
{
    return coh_channel_send(&helper->channel, COH_FRAME_PART, part, size);
}

/* --- status --------------------------------------------------------------- */

static void
fill_reload(struct coh_part_status *part, const struct coh_last_reload *reload)
{
    if (reload->begin_ms == 0 || reload->text[0] == '\0') {
        return;
    }
    part->reload_ms = reload->begin_ms;
    part->reload_took_ms = reload->took_ms;
    part->reload_generation = reload->generation;
    SET_WORD(part->reload_verdict, reload->is_done ? "done" : "failed");
}

static void
fill_current(struct coh_part_status *part, const struct coh_generation *current)
{
    part->generation = current->number;
    SET_WORD(
        part->policy,
        coh_policy_of((enum cohort_policy)current->settings.policy)->name);
    part->target = current->target;
    part->waiting = coh_scale_waiting(current);
    part->has_template = current->template || current->is_repairing;
    part->worker_processes = current->settings.worker_processes;
    part->worker_max = current->settings.worker_processes_max;
    SET_WORD(
        part->worker_sandbox,
        coh_sandbox_choices[current->settings.sandbox].name);
    part->reload_timeout_ms = current->settings.reload_timeout_ms;
    part->shutdown_timeout_ms = current->settings.shutdown_timeout_ms;
}

static int
send_status(struct coh_helper *helper, uint64_t number)
{
    const struct coh_primary *primary = helper->primary;
    const struct coh_last_reload *reload = &helper->reload;
    struct coh_part_status part = {
        .head = {.number = number, .kind = COH_PART_STATUS, .count = 1},
        .pid = getpid(),
        .is_paused = primary->is_paused,
        .is_departing = primary->departure.is_announced,
        .loading = primary->next ? primary->next->number : 0,
        .start_ms = helper->start_ms,
        .event = helper->history.last,
    };
    struct iovec parts[] = {
        {.iov_base = &part, .iov_len = sizeof(part)},
        {.iov_base = (void *)(uintptr_t)reload->text,
         .iov_len = strlen(reload->text)},
    };
    const struct coh_worker *worker;

    SET_WORD(part.state, primary_states[primary->state]);
    TAILQ_FOREACH (worker, &primary->workers, link) {
        part.counts[worker->state]++;
    }
    if (primary->current) {
        fill_current(&part, primary->current);
    }
    fill_reload(&part, reload);
    return coh_channel_sendv(
        &helper->channel, COH_FRAME_PART, parts, 2, NULL, 0);
}

static int
send_addresses(struct coh_helper *helper, uint64_t number)
{
    const struct coh_generation *current = helper->primary->current;
    int result = 0;

    for (size_t i = 0; current && result == 0 && i < current->request_count;
         i++) {
        const struct coh_acceptor *acceptor =
            &current->acceptors[current->cover[i]];
        struct coh_part_address part = {
            .head = {.number = number, .kind = COH_PART_ADDRESS, .count = 1}};

        coh_addr_format(&current->requests[i].address, part.address);
        SET_WORD(part.policy, acceptor->policy->name);
        SET_WORD(part.group, COH_GROUP_MAIN);
        result = send_part(helper, &part, sizeof(part));
    }
    return result == 0 ? coh_snapshot_send_group_addresses(helper, number)
                       : result;
}

static int
send_generations(struct coh_helper *helper, uint64_t number)
{
    const struct coh_generation *generation;
    int result = 0;

    TAILQ_FOREACH (generation, &helper->primary->generations, link) {
        struct coh_part_generation part = {
            .head = {.number = number, .kind = COH_PART_GENERATION, .count = 1},
            .number = generation->number,
            .worker_count = generation->worker_count +
                coh_snapshot_count_members(generation),
        };

        SET_WORD(part.state, generation_states[generation->state]);
        if (result == 0) {
            result = send_part(helper, &part, sizeof(part));
        }
    }
    return result;
}

static int
send_all_status(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    int result = send_status(helper, ask->number);

    if (result == 0) {
        result = send_addresses(helper, ask->number);
    }
    if (result == 0) {
        result = send_generations(helper, ask->number);
    }
    return result == 0 ? coh_snapshot_send_groups(helper, ask->number) : result;
}

/* --- workers -------------------------------------------------------------- */

static void
fill_worker(struct coh_part_worker *part, const struct coh_worker *worker)
{
    const struct coh_slot *slot =
        coh_slots_at(&worker->primary->slots, worker->slot);

    *part = (struct coh_part_worker){
        .id = worker->id,
        .generation = worker->generation->number,
        .start_ms = coh_realtime_ms() - (coh_monotonic_ms() - worker->born_ms),
        .connections = atomic_load_explicit(
            &slot->handoff.open_count, memory_order_relaxed),
        .requests = coh_main_group_served(worker),
        .slot = worker->slot,
        .pid = worker->child.pid,
        .is_leaving = worker->state == COH_WORKER_DRAINING,
        .lag_ms = coh_pulse_lag(&slot->pulse, coh_monotonic_ms()),
    };
    SET_WORD(
        part->state,
        coh_watched_is_stuck(&worker->watched)
            ? "stuck"
            : coh_snapshot_state_name(worker->state));
    if (part->is_leaving) {
        SET_WORD(part->reason, cohort_reason_name(worker->reason));
    }
    SET_WORD(part->group, COH_GROUP_MAIN);
}

static int
flush(struct coh_helper *helper, struct coh_part_workers *part)
{
    int result = part->head.count == 0
        ? 0
        : send_part(
              helper, part,
              sizeof(part->head) + part->head.count * sizeof(part->workers[0]));

    part->head.count = 0;
    return result;
}

/* Workers that are told of together: those of a group with an id in between, so
   many at most, the oldest ones. */
struct range {
    struct coh_helper *helper;
    const char *group; /* NULL: of all */
    uint64_t first;
    uint64_t last;
    uint32_t left;
    int result;
    struct coh_part_workers part;
};

static bool
is_of_range(const struct range *range, const char *group)
{
    return !range->group || strcmp(range->group, group) == 0;
}

/* The next row, if it is one of them. */
static struct coh_part_worker *
next_row(struct range *range, uint64_t id)
{
    if (id < range->first || id > range->last || range->left == 0 ||
        range->result < 0) {
        return NULL;
    }
    range->left--;
    if (range->part.head.count == COH_ADMIN_WORKERS_MAX) {
        range->result = flush(range->helper, &range->part);
    }
    return &range->part.workers[range->part.head.count++];
}

static void
add_members(struct range *range, struct coh_group *group)
{
    const struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        struct coh_part_worker *row = next_row(range, member->id);

        if (row) {
            coh_snapshot_fill_member(row, group, member);
        }
    }
}

static void
add_workers(struct range *range)
{
    const struct coh_worker *worker;

    TAILQ_FOREACH (worker, &range->helper->primary->workers, link) {
        struct coh_part_worker *row = next_row(range, worker->id);

        if (row) {
            fill_worker(row, worker);
        }
    }
}

static int
send_range(struct range *range, uint64_t number)
{
    struct coh_group *group;

    range->part.head.number = number;
    range->part.head.kind = COH_PART_WORKERS;
    if (is_of_range(range, COH_GROUP_MAIN)) {
        add_workers(range);
    }
    TAILQ_FOREACH (group, &range->helper->primary->groups, link) {
        if (is_of_range(range, group->name)) {
            add_members(range, group);
        }
    }
    return range->result == 0 ? flush(range->helper, &range->part)
                              : range->result;
}

static int
send_workers(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    struct range range = {
        .helper = helper,
        .first = ask->worker_id,
        .last = ask->worker_id == 0 ? UINT64_MAX : ask->worker_id,
        .left = UINT32_MAX,
    };

    return send_range(&range, ask->number);
}

int
coh_snapshot_send_new(
    struct coh_helper *helper, const struct coh_frame_ask *ask, uint64_t first)
{
    struct range range = {
        .helper = helper,
        .first = first,
        .last = UINT64_MAX,
        .left = ask->value,
    };

    if (ask->verb == COH_ASK_REPLACE) {
        range.last = first;
        range.left = 1;
    } else {
        range.group = ask->group[0] ? ask->group : COH_GROUP_MAIN;
    }
    return send_range(&range, ask->number);
}

/* --- counters ------------------------------------------------------------- */

void
coh_snapshot_sum(
    const struct coh_primary *primary, uint64_t sums[COH_TOTALS_MAX])
{
    const struct coh_worker *worker;

    for (size_t i = 0; i < primary->totals.count; i++) {
        sums[i] = primary->totals.array[i].retired;
    }
    TAILQ_FOREACH (worker, &primary->workers, link) {
        const struct coh_slot *slot =
            coh_slots_at(&primary->slots, worker->slot);

        for (size_t i = 0; i < worker->generation->counter_count; i++) {
            sums[worker->generation->totals[i]] += slot->counters[i];
        }
    }
}

static int
send_counter(
    struct coh_helper *helper, uint64_t number, const struct coh_total *total,
    uint64_t sum)
{
    struct coh_part_counter part = {
        .head = {.number = number, .kind = COH_PART_COUNTER, .count = 1},
        .value = sum + total->other,
        .kind = total->kind,
        .name_size = (uint16_t)strlen(total->name),
        .help_size = (uint16_t)strlen(total->help),
        .labels_size = (uint16_t)strlen(total->labels),
    };
    struct iovec parts[] = {
        {.iov_base = &part, .iov_len = sizeof(part)},
        {.iov_base = total->name, .iov_len = part.name_size},
        {.iov_base = total->help, .iov_len = part.help_size},
        {.iov_base = total->labels, .iov_len = part.labels_size},
    };

    return coh_channel_sendv(
        &helper->channel, COH_FRAME_PART, parts, 4, NULL, 0);
}

static int
send_counters(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    struct coh_primary *primary = helper->primary;
    uint64_t sums[COH_TOTALS_MAX];
    int result = 0;

    coh_tally_settle(primary);
    coh_snapshot_sum(primary, sums);
    coh_upgrade_shows(&helper->primary->upgrade);
    for (size_t i = 0; result == 0 && i < primary->totals.count; i++) {
        result = send_counter(
            helper, ask->number, &primary->totals.array[i], sums[i]);
    }
    return result;
}

/* --- configuration -------------------------------------------------------- */

static int
send_configuration(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    const struct coh_generation *current = helper->primary->current;
    struct coh_frame_part part = {
        .number = ask->number, .kind = COH_PART_CONFIGURATION, .count = 1};

    if (!current || current->configuration < 0) {
        return -EAGAIN;
    }
    return coh_channel_send_fds(
        &helper->channel, COH_FRAME_PART, &part, sizeof(part),
        &current->configuration, 1);
}

int
coh_snapshot_send(struct coh_helper *helper, const struct coh_frame_ask *ask)
{
    switch (ask->verb) {
    case COH_ASK_STATUS:
        return send_all_status(helper, ask);
    case COH_ASK_WORKERS:
        return send_workers(helper, ask);
    case COH_ASK_COUNTERS:
        return send_counters(helper, ask);
    case COH_ASK_CONFIGURATION:
        return send_configuration(helper, ask);
    default:
        return -EINVAL;
    }
}
