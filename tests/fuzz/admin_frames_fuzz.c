/* Whatever the admin helper asks its primary, which has the rights that the
   helper has not. Nothing serves any more, so nothing is started: frames,
   texts, groups and workers that are named, and answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/check.h"
#include "core/fdpass.h"
#include "core/socket.h"
#include "server/channel/message.h"
#include "server/primary/answer.h"
#include "server/primary/helper.h"
#include "server/primary/pending.h"
#include "server/primary/primary.h"
#include "tests/fuzz/descriptors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coh_primary primary = {.state = COH_PRIMARY_STOPPING};

static void
make_primary(void)
{
    coh_log_init(&primary.log, NULL);
    COH_CHECK(coh_loop_init(&primary.loop, NULL) == 0);
    COH_CHECK(coh_numbers_init(&primary.numbers) == 0);
    coh_listeners_init(&primary.listeners, &primary.log);
    TAILQ_INIT(&primary.generations);
    TAILQ_INIT(&primary.workers);
    TAILQ_INIT(&primary.groups);
    primary.slots.fd = -1;
    primary.signals.fd = -1;
    primary.pidfile.fd = -1;
    primary.systemd.fd = -1;
}

/* The helper's end of the channel. */
static int
start_helper(void)
{
    struct coh_helper *helper;
    int pair[2];

    STAILQ_INIT(&primary.readers);
    helper = coh_helper_new(&primary);
    COH_CHECK(helper != NULL);
    coh_pending_init(&primary);
    COH_CHECK(coh_socket_pair(SOCK_SEQPACKET, pair) == 0);
    COH_CHECK(
        coh_channel_init(
            &helper->channel, &primary.loop, pair[0], &coh_asking_role, helper,
            &primary.log) == 0);
    helper->is_running = true;
    primary.helper = helper;
    return pair[1];
}

static void
send_bytes(int channel, const void *data, size_t size, size_t fd_count)
{
    static const int fds[COH_FDPASS_MAX]; /* standard input, many times */
    struct iovec part = {.iov_len = size};

    memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
    coh_fds_send(channel, &part, 1, fds, fd_count);
    event_base_loop(primary.loop.base, EVLOOP_NONBLOCK);
}

static void
send_hello(int channel)
{
    struct {
        struct coh_frame_header header;
        struct coh_frame_hello hello;
    } frame = {
        .header = {
            .size = sizeof(frame.hello),
            .type = COH_FRAME_HELLO,
            .version = COH_FRAME_VERSION,
        }};

    coh_hello_fill(&frame.hello, 0, 0, UINT32_MAX);
    send_bytes(channel, &frame, sizeof(frame), 0);
}

/* Behind a hello, the input is a row of packets: two bytes of size, one with
   the number of descriptors, then the bytes. The last one gets what is left. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned before;
    int channel;

    if (primary.loop.base == NULL) {
        make_primary();
    }
    before = fuzz_count_fds();
    channel = start_helper();
    send_hello(channel);
    while (size > 3) {
        size_t part = (size_t)(data[0] | data[1] << 8);

        part = part < size - 3 ? part : size - 3;
        send_bytes(channel, data + 3, part, data[2] % COH_FDPASS_MAX);
        data += part + 3;
        size -= part + 3;
    }
    close(channel);
    event_base_loop(primary.loop.base, EVLOOP_NONBLOCK);
    coh_helper_free(primary.helper);
    COH_CHECK(fuzz_count_fds() == before);
    return 0;
}
