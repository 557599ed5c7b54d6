/* The first words of every channel, and the names of the others. */
#include "server/channel/message.h"

#include <errno.h>
#include <string.h>

/* --- hello ---------------------------------------------------------------- */

void
coh_hello_fill(
    struct coh_frame_hello *hello, uint64_t generation, uint64_t worker_id,
    uint32_t slot)
{
    memset(hello, 0, sizeof(*hello));
    hello->protocol = COH_PROTOCOL;
    hello->slot = slot;
    hello->generation = generation;
    hello->worker_id = worker_id;
    memcpy(hello->build, coh_build_id(), sizeof(hello->build));
}

int
coh_hello_check(const struct coh_frame_hello *hello)
{
    return hello->protocol == COH_PROTOCOL &&
            memcmp(hello->build, coh_build_id(), sizeof(hello->build)) == 0
        ? 0
        : -EPROTO;
}

/* --- names ---------------------------------------------------------------- */

const char *
coh_frame_name(uint16_t type)
{
    static const char *const names[COH_FRAME_TYPE_COUNT] = {
        [COH_FRAME_FRAGMENT] = "fragment",
        [COH_FRAME_HELLO] = "hello",
        [COH_FRAME_LOG] = "log",
        [COH_FRAME_FILE_OPEN] = "file_open",
        [COH_FRAME_FORK] = "fork",
        [COH_FRAME_SETTINGS] = "settings",
        [COH_FRAME_LISTEN] = "listen",
        [COH_FRAME_FILE] = "file",
        [COH_FRAME_GROUP] = "group",
        [COH_FRAME_COUNTER] = "counter",
        [COH_FRAME_LOADED] = "loaded",
        [COH_FRAME_FAILED] = "failed",
        [COH_FRAME_FORKED] = "forked",
        [COH_FRAME_START] = "start",
        [COH_FRAME_LISTENERS] = "listeners",
        [COH_FRAME_CONNECTIONS] = "connections",
        [COH_FRAME_REOPEN] = "reopen",
        [COH_FRAME_DRAIN] = "drain",
        [COH_FRAME_READY] = "ready",
        [COH_FRAME_CREDIT] = "credit",
        [COH_FRAME_ADMIN] = "admin",
        [COH_FRAME_ASK] = "ask",
        [COH_FRAME_PART] = "part",
        [COH_FRAME_OUTCOME] = "outcome",
        [COH_FRAME_EVENT] = "event",
        [COH_FRAME_SECRET] = "secret",
        [COH_FRAME_SECRET_OPEN] = "secret_open",
        [COH_FRAME_MESSAGE] = "message",
        [COH_FRAME_REOPEN_AGAIN] = "reopen_again",
        [COH_FRAME_PING] = "ping",
        [COH_FRAME_DRAINING] = "draining",
    };

    return type < COH_FRAME_TYPE_COUNT && names[type] != NULL ? names[type]
                                                              : "?";
}
