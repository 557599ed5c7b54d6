/* Programs' messages in frames, the same on both ends. */
#ifndef COH_CLUSTER_NATIVE_MESSAGE_H
#define COH_CLUSTER_NATIVE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/cluster.h>

#include "server/channel/channel.h"
#include "server/cluster/outbox.h"

/* The rule of COH_CLUSTER_FRAME_MESSAGE but for its states. */
#define COH_NATIVE_MESSAGE_RULE                                                \
    .type = COH_CLUSTER_FRAME_MESSAGE, .name = "message", .min_size = 1,       \
    .max_size = COHORT_MESSAGE_MAX + 1, .max_fds = 1, .may_lose_fds = true

/* As cohort_worker_send; mark: what outbox must reach until it is written. */
int coh_native_message_send(
    struct coh_channel *channel, struct cohort_str message, int fd,
    struct coh_outbox *outbox, uint64_t *mark);

/*
 * The message of a frame; a NUL follows it.
 *
 * fd       The caller's from now on; -1: none.
 * Returns  False: it was none, and the channel is closed.
 */
bool coh_native_message_take(
    struct coh_channel *channel, struct coh_message *frame,
    enum cohort_serialization serialization, struct cohort_str *message,
    int *fd);

#endif
