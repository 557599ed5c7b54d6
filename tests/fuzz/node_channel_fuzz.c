/* Whatever a Node peer sends, with and without descriptors: nothing crashes,
   leaks or stays open. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/check.h"
#include "core/event.h"
#include "core/fdpass.h"
#include "core/log.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coh_loop loop;
static struct cohort_log quiet;

static void
on_reply(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    (void)cluster;
    (void)user;
    (void)reply;
}

static void
on_query(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_query *query)
{
    char key[COH_NODE_KEY_MAX];
    ssize_t size = coh_node_query_key(query, key, sizeof(key));
    struct coh_node_answer answer = {.data = query->data, .fd = -1};

    COH_CHECK(size > 0);
    answer.key = cohort_str_n(key, (size_t)size);
    if (query->type == COH_NODE_TYPE_UDP4) {
        answer.fd = cluster->channel.fd;
    }
    coh_node_cluster_answer(cluster, seq, &answer);
    coh_node_cluster_query(cluster, query, on_reply, NULL);
}

static void
on_closed(struct coh_node_cluster *cluster, struct cohort_str key)
{
    coh_node_cluster_hand_over(
        cluster, key, cluster->channel.fd, on_reply, NULL);
}

static void
on_leaves(struct coh_node_cluster *cluster, uint64_t seq)
{
    coh_node_cluster_acknowledge(cluster, seq);
    coh_node_channel_leave(&cluster->channel);
}

static void
on_connection(
    struct coh_node_cluster *cluster, struct coh_node_connection *connection)
{
    coh_node_cluster_accept(cluster, connection->seq);
}

static void
on_disconnect(struct coh_node_cluster *cluster)
{
    coh_node_cluster_fini(cluster);
}

/* What was valid coming in is valid going out. */
static void
on_message(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    struct coh_node_pass pass = {
        .fd = message->fd,
        .handle = message->handle,
        .is_retried = true,
    };
    int result = coh_node_channel_send(
        &cluster->channel, message->text, message->fd < 0 ? NULL : &pass);

    COH_CHECK(result != -EINVAL);
}

static void
on_gone(struct coh_node_cluster *cluster)
{
    (void)cluster;
}

static const struct coh_node_cluster_role role = {
    .peer = "peer",
    .query = on_query,
    .closed = on_closed,
    .leaves = on_leaves,
    .connection = on_connection,
    .disconnect = on_disconnect,
    .message = on_message,
    .gone = on_gone,
};

static void
run_loop(void)
{
    for (int i = 0; i < 3; i++) {
        event_base_loop(loop.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    }
}

/* The input is cut at bytes from 0xf8 on, which UTF-8 never has: each piece is
   a message of the socket, and such a byte says whether a descriptor goes with
   the piece behind it. */
static void
write_pieces(int fd, const uint8_t *data, size_t size)
{
    bool has_fd = false;

    while (size > 0) {
        size_t length = 0;
        struct iovec part;

        while (length < size && data[length] < 0xf8) {
            length++;
        }
        memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
        part.iov_len = length;
        if (length > 0 && coh_fds_send(fd, &part, 1, &fd, has_fd ? 1 : 0) < 0) {
            return;
        }
        run_loop();
        if (length == size) {
            return;
        }
        has_fd = data[length] & 1;
        data += length + 1;
        size -= length + 1;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coh_node_cluster cluster;
    int fds[2];
    int lowest;

    if (loop.base == NULL) {
        COH_CHECK(coh_loop_init(&loop, NULL) == 0);
        coh_log_init(&quiet, NULL);
    }
    COH_CHECK(coh_socket_pair(SOCK_STREAM, fds) == 0);
    lowest = fds[0] < fds[1] ? fds[0] : fds[1];
    COH_CHECK(
        coh_node_cluster_init(&cluster, &loop, fds[0], &role, NULL, &quiet) ==
        0);
    write_pieces(fds[1], data, size);
    run_loop();
    coh_node_cluster_fini(&cluster);
    close(fds[1]);
    /* The lowest free numbers are free again: nothing has stayed open. */
    COH_CHECK(dup(0) == lowest);
    COH_CHECK(dup(0) == fds[0] + fds[1] - lowest);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
