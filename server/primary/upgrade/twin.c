/* The channel between two primaries.

   States: NEW while the new one loads, SERVING from READY to the end. */
#include "server/primary/upgrade/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/primary.h"
#include "server/primary/snapshot.h"
#include "server/primary/upgrade/lending.h"
#include "server/primary/upgrade/upgrade.h"
#include "server/primary/upgrade/upgrade_records.h"

enum {
    SERVING = COH_CHANNEL_NEW << 1,
};

#define TEXT_MAX 8192
#define REPORT_MAX (64 * 1024)

/* --- said ----------------------------------------------------------------- */

static void
send_frame(
    struct coh_upgrade *upgrade, enum coh_twin_frame_type type,
    const struct iovec *parts, size_t part_count, const int *fd)
{
    if (upgrade->channel.fd < 0) {
        return;
    }
    if (coh_channel_sendv(
            &upgrade->channel, (uint16_t)type, parts, part_count, fd,
            fd ? 1 : 0) < 0) {
        cohort_error(
            &upgrade->primary->log,
            "the other primary (process %d) does not listen any more",
            (int)upgrade->other);
    }
}

void
coh_twin_say(
    struct coh_upgrade *upgrade, bool is_configuration, const char *text)
{
    struct coh_twin_said said = {.is_configuration = is_configuration};
    struct iovec parts[] = {
        {.iov_base = &said, .iov_len = sizeof(said)},
        {.iov_base = (void *)(uintptr_t)text,
         .iov_len = strnlen(text, TEXT_MAX)},
    };

    send_frame(upgrade, COH_TWIN_SAID, parts, 2, NULL);
}

void
coh_twin_say_ready(
    struct coh_upgrade *upgrade, const uint8_t *are_used, uint32_t count)
{
    struct coh_twin_ready ready = {.count = count};
    struct iovec parts[] = {
        {.iov_base = &ready, .iov_len = sizeof(ready)},
        {.iov_base = (void *)(uintptr_t)are_used, .iov_len = count},
    };

    snprintf(ready.version, sizeof(ready.version), "%s", cohort_version());
    upgrade->channel.state = SERVING;
    send_frame(upgrade, COH_TWIN_READY, parts, 2, NULL);
}

void
coh_twin_give_names(struct coh_upgrade *upgrade)
{
    send_frame(upgrade, COH_TWIN_YOURS, NULL, 0, NULL);
}

void
coh_twin_say_leaving(struct coh_upgrade *upgrade)
{
    send_frame(upgrade, COH_TWIN_LEAVING, NULL, 0, NULL);
}

void
coh_twin_say_taken(struct coh_upgrade *upgrade)
{
    send_frame(upgrade, COH_TWIN_TAKEN, NULL, 0, NULL);
}

void
coh_twin_say_return(struct coh_upgrade *upgrade)
{
    send_frame(upgrade, COH_TWIN_RETURN, NULL, 0, NULL);
}

void
coh_twin_begin_again(struct coh_upgrade *upgrade)
{
    upgrade->channel.state = COH_CHANNEL_NEW;
}

/* --- counters ------------------------------------------------------------- */

static void
add_counters(struct coh_state *state, const struct coh_primary *primary)
{
    uint64_t sums[COH_TOTALS_MAX];

    coh_snapshot_sum(primary, sums);
    for (size_t i = 0; i < primary->totals.count; i++) {
        const struct coh_total *total = &primary->totals.array[i];
        const struct coh_state_counter counter = {
            .counter =
                {
                    .name = cohort_str(total->name),
                    .help = cohort_str(total->help),
                    .labels = cohort_str(total->labels),
                    .kind = total->kind,
                },
            .value = sums[i],
        };

        if (total->kind != COHORT_GAUGE) {
            coh_state_add_counter(state, &counter);
        }
    }
}

void
coh_twin_tell_counters(struct coh_upgrade *upgrade)
{
    struct coh_state state;
    int fd;

    coh_state_init(&state);
    coh_tally_settle(upgrade->primary);
    add_counters(&state, upgrade->primary);
    fd = coh_state_seal(&state);
    coh_state_fini(&state);
    if (fd >= 0) {
        send_frame(upgrade, COH_TWIN_STATE, NULL, 0, &fd);
        close(fd);
    }
}

static void
hear_counters(struct coh_primary *primary, struct coh_state_reader *reader)
{
    struct coh_state_record record;
    struct coh_state_counter counter;

    while (coh_state_next(reader, &record) > 0) {
        if (record.type == COH_STATE_COUNTER &&
            coh_state_read_counter(&record, &counter) == 0) {
            coh_totals_hear(&primary->totals, &counter.counter, counter.value);
        }
    }
}

/* --- heard ---------------------------------------------------------------- */

/* More than fits stands in its log. */
static void
add_to_report(struct coh_upgrade *upgrade, const char *text, size_t size)
{
    size_t before = upgrade->report ? strlen(upgrade->report) : 0;
    char *grown;

    if (before + size + 2 > REPORT_MAX || memchr(text, '\0', size)) {
        return;
    }
    grown = realloc(upgrade->report, before + size + 2);
    if (grown) {
        memcpy(grown + before, text, size);
        memcpy(grown + before + size, "\x1e", 2);
        upgrade->report = grown;
    }
}

static void
on_said(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_upgrade *upgrade = channel->user;
    const char *text = (const char *)message->data;
    struct coh_twin_said said;
    size_t size = message->size - sizeof(said);

    memcpy(&said, text, sizeof(said));
    text += sizeof(said);
    if (said.is_configuration) {
        add_to_report(upgrade, text, size);
    } else if (!upgrade->why[0]) {
        snprintf(upgrade->why, sizeof(upgrade->why), "%.*s", (int)size, text);
    }
}

static void
on_ready(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_upgrade *upgrade = channel->user;
    struct coh_twin_ready ready;

    memcpy(&ready, message->data, sizeof(ready));
    if (message->size - sizeof(ready) < ready.count ||
        ready.count != upgrade->lent_count ||
        !memchr(ready.version, '\0', sizeof(ready.version))) {
        coh_channel_reject(channel, "has not what belongs to it");
        return;
    }
    channel->state = SERVING;
    coh_lending_used(
        upgrade, (const uint8_t *)message->data + sizeof(ready), ready.count);
    coh_upgrade_ready(upgrade, ready.version);
}

static void
on_state(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_upgrade *upgrade = channel->user;
    struct coh_state_reader reader;
    char why[COH_STATE_WHY_MAX];
    size_t size = 0;
    void *data = coh_state_load(message->fds[0], &size);

    if (data && coh_state_open(&reader, data, size, why) == 0) {
        hear_counters(upgrade->primary, &reader);
    }
    free(data);
}

static void
on_yours(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_upgrade *upgrade = channel->user;

    (void)message;
    if (upgrade->is_new && upgrade->state == COH_UPGRADE_BOTH) {
        coh_upgrade_take_names(upgrade);
    }
}

static void
on_leaving(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_upgrade_other_leaves(channel->user);
}

static void
on_taken(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_upgrade_may_go(channel->user);
}

static void
on_return(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_upgrade_other_returns(channel->user);
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_upgrade_other_gone(channel->user);
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_TWIN_SAID,
        .name = "said",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_twin_said),
        .max_size = sizeof(struct coh_twin_said) + TEXT_MAX,
        .handle = on_said,
    },
    {
        .type = COH_TWIN_READY,
        .name = "ready",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_twin_ready),
        .max_size = COH_MESSAGE_MAX,
        .handle = on_ready,
    },
    {
        .type = COH_TWIN_STATE,
        .name = "state",
        .states = SERVING,
        .max_size = COH_MESSAGE_MAX,
        .min_fds = 1,
        .max_fds = 1,
        .handle = on_state,
    },
    {
        .type = COH_TWIN_YOURS,
        .name = "yours",
        .states = SERVING,
        .max_size = COH_MESSAGE_MAX,
        .handle = on_yours,
    },
    {
        .type = COH_TWIN_LEAVING,
        .name = "leaving",
        .states = SERVING,
        .max_size = COH_MESSAGE_MAX,
        .handle = on_leaving,
    },
    {
        .type = COH_TWIN_TAKEN,
        .name = "taken",
        .states = SERVING,
        .max_size = COH_MESSAGE_MAX,
        .handle = on_taken,
    },
    {
        .type = COH_TWIN_RETURN,
        .name = "return",
        .states = SERVING,
        .max_size = COH_MESSAGE_MAX,
        .handle = on_return,
    },
};

static const struct coh_channel_role role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

int
coh_twin_init(struct coh_upgrade *upgrade, int fd)
{
    int result = coh_channel_init(
        &upgrade->channel, &upgrade->primary->loop, fd, &role, upgrade,
        &upgrade->primary->log);

    if (result == 0) {
        upgrade->channel.peer_id = (uint64_t)upgrade->other;
    }
    return result;
}
