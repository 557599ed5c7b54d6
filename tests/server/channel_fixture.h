/* A channel at one end, the bare socket at the other, for tests of frames. */
#ifndef COH_TESTS_SERVER_CHANNEL_FIXTURE_H
#define COH_TESTS_SERVER_CHANNEL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/log.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "tests/core/test.h"

#define CHANNEL_LONG_MAX (200 * 1024) /* of a "log" message */

struct channel_fixture {
    struct coh_loop loop;
    struct coh_channel channel;
    struct cohort_log log;
    int peer;
    int fds_before;
    unsigned called;
    unsigned gone;
    size_t last_size;
    size_t last_fds;
    size_t last_lost;
    size_t fds_seen;
    unsigned char last[CHANNEL_LONG_MAX];
    bool will_keep; /* the descriptors that come */
    bool will_free; /* the channel, inside the handler */
    bool will_reject;
    int kept;
};

/* A frame, for tests that fill it in wrongly. */
struct channel_raw {
    struct coh_frame_header header;
    unsigned char bytes[64];
};

/*
 * What the channel takes: hello, which moves it to state 2; log of 4 bytes and
 * more with 2 descriptors at most; connections with 1 to 3 of them, which may
 * be lost; drain in state 2.
 */
extern const struct coh_channel_role channel_role;

/* For cmocka; sync: without a loop. The end checks that no descriptor is
   left. */
int channel_setup(void **state);
int channel_setup_sync(void **state);
int channel_teardown(void **state);

/* Let the loop see what has come. */
void channel_turn(struct channel_fixture *fixture);

/* Send bytes with so many descriptors; or a frame, and turn. */
void channel_send_raw(
    struct channel_fixture *fixture, const void *data, size_t size,
    size_t fd_count);
void channel_send_frame(
    struct channel_fixture *fixture, uint16_t type, uint32_t size,
    uint8_t claimed, size_t fd_count);

/* No handler was called, and the channel is closed. */
void assert_channel_refused(struct channel_fixture *fixture);

#endif
