/* The other end of a Node channel, by hand, and a log that is kept. */
#include "tests/server/node_peer.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"
#include "tests/core/test.h"

#define TEXT_MAX (256 * 1024)

static size_t
open_count(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

void
node_peer_init(struct node_peer *peer)
{
    int fds[2];

    peer->opened = open_count();
    assert_int_equal(coh_loop_init(&peer->loop, NULL), 0);
    peer->target.fd = memfd_create("log", MFD_CLOEXEC);
    peer->target.dropped = 0;
    assert_true(peer->target.fd >= 0);
    coh_log_init(&peer->log, NULL);
    assert_int_equal(
        coh_log_add_target(&peer->log, &peer->target, COHORT_LOG_DEBUG), 0);
    assert_int_equal(coh_socket_pair(SOCK_STREAM, fds), 0);
    peer->ours = fds[0];
    peer->theirs = fds[1];
}

void
node_peer_fini(struct node_peer *peer)
{
    coh_loop_fini(&peer->loop);
    close(peer->target.fd);
    if (peer->theirs >= 0) {
        close(peer->theirs);
    }
    assert_int_equal(open_count(), peer->opened);
}

void
node_peer_run(struct node_peer *peer)
{
    for (int i = 0; i < 8; i++) {
        event_base_loop(peer->loop.base, EVLOOP_NONBLOCK);
    }
}

char *
node_peer_logged(struct node_peer *peer)
{
    char *text = calloc(1, TEXT_MAX);

    assert_non_null(text);
    assert_true(pread(peer->target.fd, text, TEXT_MAX - 1, 0) >= 0);
    return text;
}

void
node_peer_write(struct node_peer *peer, const char *text, int fd)
{
    struct iovec part = {.iov_len = strlen(text)};

    memcpy(&part.iov_base, &text, sizeof(text)); /* only read from */
    assert_int_equal(
        coh_fds_send(peer->theirs, &part, 1, &fd, fd < 0 ? 0 : 1),
        part.iov_len);
}

size_t
node_peer_expect(struct node_peer *peer, const char *text)
{
    char *got = calloc(1, TEXT_MAX);
    size_t size = 0;
    size_t passed = 0;

    assert_non_null(got);
    for (;;) {
        int fds[COH_FDPASS_MAX];
        size_t count = COH_FDPASS_MAX;
        ssize_t some = coh_fds_receive(
            peer->theirs, got + size, TEXT_MAX - 1 - size, fds, &count);

        for (size_t i = 0; i < count; i++) {
            close(fds[i]);
        }
        passed += count;
        if (some <= 0) {
            break;
        }
        size += (size_t)some;
    }
    assert_string_equal(got, text);
    free(got);
    return passed;
}

bool
node_peer_is_closed(struct node_peer *peer)
{
    char byte;

    return recv(peer->theirs, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ||
        (errno != EAGAIN && errno != EWOULDBLOCK);
}
