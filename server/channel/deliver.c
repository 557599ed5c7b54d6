/* From a packet to the handlers: what is not in the role's table, or does not
   fit, ends the channel. */
#include "server/channel/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/log.h>

#include "server/channel/message.h"

static const struct coh_channel_rule *
rule_of(const struct coh_channel *channel, uint16_t type)
{
    for (size_t i = 0; i < channel->role->rule_count; i++) {
        if (channel->role->rules[i].type == type) {
            return &channel->role->rules[i];
        }
    }
    return NULL;
}

/* NULL if the role takes this message now, else what is wrong with it. */
static const char *
objection(
    const struct coh_channel *channel, const struct coh_channel_rule *rule,
    const struct coh_message *message)
{
    size_t fd_count = message->fd_count + message->lost_fd_count;

    if (rule == NULL) {
        return "is of a type that is not for us";
    }
    if ((rule->states & channel->state) == 0) {
        return "comes at the wrong time";
    }
    if (message->size < rule->min_size || message->size > rule->max_size) {
        return "is of the wrong size";
    }
    if (fd_count < rule->min_fds || fd_count > rule->max_fds) {
        return "has the wrong number of descriptors";
    }
    if (message->lost_fd_count > 0 && !rule->may_lose_fds) {
        return "has descriptors for which this process has no room: raise its "
               "limit of open files (worker_rlimit_nofile; for the primary "
               "ulimit -Hn, LimitNOFILE= in a unit)";
    }
    return NULL;
}

/* Say which message it was, and close. */
static void
reject(
    struct coh_channel *channel, const struct coh_channel_rule *rule,
    const struct coh_message *message, const char *why)
{
    cohort_error(
        channel->log,
        "closing the channel to %s %" PRIu64
        ": message %u (%s, %zu bytes, %zu descriptors) %s",
        channel->role->peer, channel->peer_id, message->type,
        rule == NULL ? coh_frame_name(message->type) : rule->name,
        message->size, message->fd_count + message->lost_fd_count, why);
    coh_channel_end(channel);
}

/* True if the channel is still open. */
static bool
deliver(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_channel_rule *rule = rule_of(channel, message->type);
    const char *why = objection(channel, rule, message);

    if (why != NULL) {
        reject(channel, rule, message, why);
        return false;
    }
    channel->last_type = message->type;
    return coh_channel_call(channel, rule->handle, message);
}

/* The first fragment: may the frame that it begins come at all? Nothing is
   allocated before that. */
static const char *
begin_partial(
    struct coh_channel *channel, uint32_t total, const unsigned char *part,
    size_t size)
{
    const struct coh_channel_rule *rule;
    struct coh_frame_header header;

    if (size < sizeof(header) || channel->partial != NULL) {
        return "begins a long message wrongly";
    }
    memcpy(&header, part, sizeof(header));
    rule = rule_of(channel, header.type);
    if (rule == NULL || (rule->states & channel->state) == 0 ||
        header.version != COH_FRAME_VERSION || header.size > rule->max_size ||
        header.size != total - sizeof(header)) {
        return "begins a long message that is not for us";
    }
    channel->partial = malloc(total);
    if (channel->partial == NULL) {
        return "finds no memory";
    }
    *channel->partial = header;
    channel->partial_size = 0;
    return NULL;
}

/* NULL, or what is wrong with this fragment. */
static const char *
add_fragment(
    struct coh_channel *channel, const struct coh_message *message,
    bool *is_whole)
{
    struct coh_frame_fragment fragment;
    const unsigned char *part;
    size_t size;

    if (message->size < sizeof(fragment)) {
        return "is no fragment";
    }
    memcpy(&fragment, message->data, sizeof(fragment));
    part = (const unsigned char *)message->data + sizeof(fragment);
    size = message->size - sizeof(fragment);
    if (fragment.offset == 0) {
        const char *why = begin_partial(channel, fragment.total, part, size);

        if (why != NULL) {
            return why;
        }
    }
    if (channel->partial == NULL ||
        fragment.total - sizeof(struct coh_frame_header) !=
            channel->partial->size ||
        fragment.offset != channel->partial_size ||
        size > fragment.total - channel->partial_size) {
        return "is a fragment that does not fit";
    }
    memcpy((unsigned char *)channel->partial + fragment.offset, part, size);
    channel->partial_size += size;
    *is_whole = channel->partial_size == fragment.total;
    return NULL;
}

/* True if the channel is still open. */
static bool
take_fragment(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_frame_header *partial;
    struct coh_message whole = *message;
    bool is_whole = false;
    bool is_open;
    const char *why = add_fragment(channel, message, &is_whole);

    if (why == NULL && !is_whole &&
        message->fd_count + message->lost_fd_count > 0) {
        why = "has descriptors before its last fragment";
    }
    if (why != NULL) {
        reject(channel, NULL, message, why);
        return false;
    }
    if (!is_whole) {
        return true;
    }
    partial = channel->partial;
    channel->partial = NULL; /* the handler may free the channel */
    whole.type = partial->type;
    whole.data = partial + 1;
    whole.size = partial->size;
    is_open = deliver(channel, &whole);
    free(partial);
    return is_open;
}

void
coh_channel_take_packet(
    struct coh_channel *channel, struct coh_received *received, size_t size)
{
    struct coh_packet packet = {
        .data = received->data,
        .size = size,
        .fds = received->fds,
        .fd_count = received->fd_count,
        .is_robbed = received->is_robbed,
    };
    struct coh_message message;
    bool is_open = true;
    int result = 1;

    while (is_open && (result = coh_packet_next(&packet, &message)) > 0) {
        is_open = message.type == COH_FRAME_FRAGMENT
            ? take_fragment(channel, &message)
            : deliver(channel, &message);
        coh_fds_close(message.fds, message.fd_count);
    }
    coh_fds_close(received->fds, received->fd_count);
    if (is_open && result < 0) {
        coh_channel_reject(channel, "is garbled");
    }
}
