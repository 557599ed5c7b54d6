/* A handover is a message with the state and how many descriptors come, then
   messages with these. */
#include "server/primary/upgrade/handover.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"
#include "server/accept/listener.h"
#include "server/channel/frame.h"
#include "server/process/load.h"

#define WAIT_MS 10000
#define FDS_MAX (COH_LOAD_LISTENERS_MAX * COH_LISTENER_SOCKETS_MAX)

struct head {
    char magic[8]; /* "cohorted" */
    uint64_t fd_count;
};

static const char magic[8] = {'c', 'o', 'h', 'o', 'r', 't', 'e', 'd'};

/* --- sending -------------------------------------------------------------- */

int
coh_handover_send(
    int channel, int state, int numbers, const int *fds, size_t fd_count)
{
    struct head head = {.fd_count = fd_count};
    struct iovec part = {.iov_base = &head, .iov_len = sizeof(head)};
    const int first[] = {state, numbers};
    ssize_t sent;

    memcpy(head.magic, magic, sizeof(magic));
    sent = coh_fds_send(channel, &part, 1, first, 2);
    for (size_t done = 0; sent > 0 && done < fd_count; done += COH_FDPASS_MAX) {
        size_t count =
            fd_count - done < COH_FDPASS_MAX ? fd_count - done : COH_FDPASS_MAX;

        sent = coh_fds_send(channel, &part, 1, fds + done, count);
    }
    return sent < 0 ? (int)sent : 0;
}

/* --- receiving ------------------------------------------------------------ */

static char why_text[COH_STATE_WHY_MAX + 64];

static int
fail(const char *what)
{
    snprintf(
        why_text, sizeof(why_text), "cannot take over from the old one: %s",
        what);
    return -EPROTO;
}

/* One message. *count in: room; out: how many came. */
static int
receive_message(int channel, struct head *head, int *fds, size_t *count)
{
    struct pollfd readable = {.fd = channel, .events = POLLIN};
    ssize_t size;

    if (poll(&readable, 1, WAIT_MS) <= 0) {
        return fail("it hands nothing over");
    }
    size = coh_fds_receive(channel, head, sizeof(*head), fds, count);
    if (size < 0) {
        return fail(strerror(-(int)size));
    }
    if (size != sizeof(*head) ||
        memcmp(head->magic, magic, sizeof(magic)) != 0 ||
        head->fd_count > FDS_MAX) {
        coh_fds_close(fds, *count);
        return fail("it speaks another language");
    }
    return 0;
}

static int
receive_fds(struct coh_handover *handover, size_t expected)
{
    int result = 0;

    handover->fds = calloc(expected + 1, sizeof(*handover->fds));
    if (!handover->fds) {
        return fail(strerror(ENOMEM));
    }
    while (result == 0 && handover->fd_count < expected) {
        size_t count = expected - handover->fd_count;
        struct head head;

        result = receive_message(
            handover->channel, &head, handover->fds + handover->fd_count,
            &count);
        if (result == 0 && count == 0) {
            result = fail("descriptors are missing");
        }
        handover->fd_count += result == 0 ? count : 0;
    }
    return result;
}

static int
read_state(struct coh_handover *handover, int fd)
{
    struct coh_state_reader reader;
    char why[COH_STATE_WHY_MAX];

    handover->state = coh_state_load(fd, &handover->state_size);
    if (!handover->state) {
        return fail(strerror(errno));
    }
    if (coh_state_open(&reader, handover->state, handover->state_size, why) <
        0) {
        char text[sizeof(why) + 16];

        snprintf(text, sizeof(text), "its state %s", why);
        return fail(text);
    }
    return 0;
}

static int
receive(struct coh_handover *handover)
{
    int first[2] = {-1, -1};
    size_t count = 2;
    struct head head = {.fd_count = 0};
    int result = receive_message(handover->channel, &head, first, &count);

    if (result == 0 && count != 2) {
        coh_fds_close(first, count);
        return fail("its state is missing");
    }
    if (result < 0) {
        return result;
    }
    handover->numbers = first[1];
    result = read_state(handover, first[0]);
    close(first[0]);
    return result < 0 ? result : receive_fds(handover, (size_t)head.fd_count);
}

void
coh_handover_restore_stderr(struct coh_handover *handover)
{
    fflush(stderr);
    if (handover->own_stderr > STDERR_FILENO) {
        dup2(handover->own_stderr, STDERR_FILENO);
    }
    coh_fds_close(&handover->own_stderr, 1);
}

struct coh_handover *
coh_handover_receive(const char **why)
{
    const char *text = getenv(COH_HANDOVER_ENVIRONMENT);
    struct coh_handover *handover;
    int from = 0;

    *why = NULL;
    if (!text) {
        return NULL;
    }
    handover = calloc(1, sizeof(*handover));
    if (!handover) {
        *why = strerror(ENOMEM);
        return NULL;
    }
    handover->numbers = -1;
    handover->channel = -1;
    handover->own_stderr = -1;
    if (sscanf(
            text, "%d:%d:%d", &handover->channel, &handover->own_stderr,
            &from) != 3 ||
        coh_fd_set_cloexec(handover->channel, true) < 0 ||
        coh_fd_set_cloexec(handover->own_stderr, true) < 0) {
        handover->channel = -1;
        fail(COH_HANDOVER_ENVIRONMENT " is for cohort itself; unset it");
        *why = why_text;
    } else {
        handover->from = from;
        *why = receive(handover) < 0 ? why_text : NULL;
    }
    unsetenv(COH_HANDOVER_ENVIRONMENT);
    if (*why) {
        coh_handover_free(handover);
        return NULL;
    }
    return handover;
}

void
coh_handover_free(struct coh_handover *handover)
{
    if (!handover) {
        return;
    }
    coh_fds_close(handover->fds, handover->fd_count);
    coh_fds_close(&handover->numbers, 1);
    coh_fds_close(&handover->channel, 1);
    coh_fds_close(&handover->own_stderr, 1);
    free(handover->fds);
    free(handover->state);
    free(handover);
}
