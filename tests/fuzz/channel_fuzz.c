/* Any packets at a channel: frames, fragments and descriptors that are wrong in
   every way. Nothing crashes, nothing is left open. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/log.h"
#include "core/socket.h"
#include "server/channel/channel.h"
#include "tests/fuzz/descriptors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of no process: the corpus need not follow when the vocabulary changes. */
enum {
    TEXT = 100,
    HANDED_OVER,
    FIXED,
};

/* A good message moves the state on, so that rules for both are reached. */
static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    volatile unsigned char sum = 0;

    for (size_t i = 0; i < message->size; i++) {
        sum = (unsigned char)(sum + ((const unsigned char *)message->data)[i]);
    }
    for (size_t i = 0; i < message->fd_count; i++) {
        if (fcntl(message->fds[i], F_GETFD) < 0) {
            abort();
        }
    }
    channel->state = sum % 2 == 0 ? COH_CHANNEL_NEW : 2;
    if (sum == 77) {
        coh_channel_reject(channel, "is refused by its handler");
    }
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    if (channel->fd >= 0) {
        abort();
    }
}

static const struct coh_channel_rule rules[] = {
    {
        .type = TEXT,
        .name = "text",
        .states = COH_CHANNEL_NEW | 2,
        .max_size = COH_MESSAGE_MAX,
        .max_fds = 3,
        .handle = on_message,
    },
    {
        .type = HANDED_OVER,
        .name = "handed over",
        .states = 2,
        .min_size = 16,
        .max_size = 256,
        .min_fds = 1,
        .max_fds = 16,
        .may_lose_fds = true,
        .handle = on_message,
    },
    {
        .type = FIXED,
        .name = "fixed",
        .states = COH_CHANNEL_NEW,
        .min_size = 88,
        .max_size = 88,
        .handle = on_message,
    },
};

static const struct coh_channel_role role = {
    .peer = "fuzzer",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

/*
 * The input is a row of packets: two bytes of size, one with the number of
 * descriptors, then the bytes. The last one gets what is left.
 */
static size_t
send_packet(int peer, const uint8_t *data, size_t size)
{
    static const int fds[COH_FDPASS_MAX]; /* standard input, many times */
    size_t part_size = (size_t)(data[0] | data[1] << 8);
    struct iovec part;

    if (part_size > size - 3) {
        part_size = size - 3;
    }
    data += 3;
    memcpy(&part.iov_base, &data, sizeof(data));
    part.iov_len = part_size;
    coh_fds_send(peer, &part, 1, fds, data[-1] % COH_FDPASS_MAX);
    return part_size + 3;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cohort_log log;
    unsigned before = fuzz_count_fds();
    struct coh_channel channel;
    int pair[2];

    coh_log_init(&log, NULL); /* no target: silent */
    if (coh_socket_pair(SOCK_SEQPACKET, pair) < 0) {
        abort();
    }
    coh_channel_init(&channel, NULL, pair[0], &role, NULL, &log);
    while (size > 3 && channel.fd >= 0) {
        size_t used = send_packet(pair[1], data, size);

        data += used;
        size -= used;
        coh_channel_wait(&channel, 0);
    }
    coh_channel_fini(&channel);
    close(pair[1]);
    if (fuzz_count_fds() != before) {
        abort();
    }
    return 0;
}
