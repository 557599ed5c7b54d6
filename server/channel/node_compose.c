/* Cluster messages that we send to a Node peer, one function for each. */
#include <errno.h>
#include <sys/socket.h>

#include "core/json.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"

/* A longest address, every byte of it escaped, and all that is around it. */
#define COMPOSED_MAX (6 * COH_NODE_ADDRESS_MAX + 8192)

/* A question, and who waits for the answer. */
struct question {
    coh_node_reply_handler *handle;
    void *user;
};

static struct coh_json *
message_new(void)
{
    return coh_json_set(
        coh_json_object(), "cmd", coh_json_string(COH_STR("NODE_CLUSTER")));
}

static struct coh_json *
set_text(struct coh_json *message, const char *name, struct cohort_str text)
{
    return coh_json_set(message, name, coh_json_string(text));
}

static struct coh_json *
set_number(struct coh_json *message, const char *name, int64_t number)
{
    return coh_json_set(message, name, coh_json_integer(number));
}

static struct coh_json *
act_new(const char *act)
{
    return set_text(message_new(), "act", cohort_str(act));
}

static struct coh_json *
reply_new(uint64_t seq)
{
    return set_number(message_new(), "ack", (int64_t)seq);
}

static enum coh_node_handle
native_handle_of(int fd)
{
    int type = SOCK_STREAM;
    socklen_t size = sizeof(type);

    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type == SOCK_DGRAM ? COH_NODE_DGRAM_NATIVE : COH_NODE_NET_NATIVE;
}

/* Remember the question before it is sent, forget it if it cannot be. */
static int
ask(struct coh_node_cluster *cluster, struct cohort_str text,
    const struct coh_node_pass *pass, const struct question *question)
{
    uint64_t seq = cluster->calls.next_seq;
    struct coh_node_call call;
    int result = coh_node_calls_add(
        &cluster->calls, seq, question->handle, question->user);

    if (result < 0) {
        return result;
    }
    result = coh_node_channel_send_internal(&cluster->channel, text, pass);
    if (result < 0) {
        coh_node_calls_take(&cluster->calls, seq, &call);
    }
    return result;
}

/* Frees message. pass and question may be NULL. */
static int
send_message(
    struct coh_node_cluster *cluster, struct coh_json *message,
    struct coh_node_pass *pass, const struct question *question)
{
    char text[COMPOSED_MAX];
    struct cohort_str line = {.data = text};
    ssize_t size;
    int result;

    message = set_number(message, "seq", (int64_t)cluster->calls.next_seq);
    size = coh_json_write(message, text, sizeof(text));
    coh_json_free(message);
    if (size < 0) {
        return (int)size;
    }
    line.size = (size_t)size;
    if (pass != NULL) {
        pass->token = cluster->calls.next_seq;
    }
    result = question == NULL
        ? coh_node_channel_send_internal(&cluster->channel, line, pass)
        : ask(cluster, line, pass, question);
    if (result >= 0) {
        cluster->calls.next_seq++;
    }
    return result;
}

static int
send_plain(struct coh_node_cluster *cluster, struct coh_json *message)
{
    return send_message(cluster, message, NULL, NULL);
}

/* --- a primary says ------------------------------------------------------- */

static struct coh_json *
sockname_value(const struct coh_node_sockname *sockname)
{
    struct coh_json *value = coh_json_object();

    value = set_text(value, "address", sockname->address);
    value = set_text(
        value, "family", sockname->is_v6 ? COH_STR("IPv6") : COH_STR("IPv4"));
    return set_number(value, "port", sockname->port);
}

int
coh_node_cluster_answer(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_answer *answer)
{
    struct coh_node_pass pass = {.fd = answer->fd, .is_retried = true};
    struct coh_json *message = reply_new(seq);

    message = coh_json_set(
        message, "errno",
        answer->error == 0 && answer->fd < 0 ? coh_json_null()
                                             : coh_json_integer(answer->error));
    message = set_text(message, "key", answer->key);
    message = coh_json_set(
        message, "data",
        answer->data == NULL ? coh_json_null() : coh_json_keep(answer->data));
    if (answer->sockname != NULL) {
        message =
            coh_json_set(message, "sockname", sockname_value(answer->sockname));
    }
    if (answer->fd < 0) {
        return send_plain(cluster, message);
    }
    pass.handle = native_handle_of(answer->fd);
    return send_message(cluster, message, &pass, NULL);
}

int
coh_node_cluster_hand_over(
    struct coh_node_cluster *cluster, struct cohort_str key, int fd,
    coh_node_reply_handler *handle, void *user)
{
    struct coh_node_pass pass = {
        .fd = fd,
        .handle = COH_NODE_NET_NATIVE,
        .is_pipelined = true,
    };
    const struct question question = {.handle = handle, .user = user};

    return send_message(
        cluster, set_text(act_new("newconn"), "key", key), &pass, &question);
}

int
coh_node_cluster_disconnect(struct coh_node_cluster *cluster)
{
    return send_plain(cluster, act_new("disconnect"));
}

int
coh_node_cluster_acknowledge(struct coh_node_cluster *cluster, uint64_t seq)
{
    return send_plain(cluster, reply_new(seq));
}

/* --- a worker says -------------------------------------------------------- */

int
coh_node_cluster_online(struct coh_node_cluster *cluster)
{
    return send_plain(cluster, act_new("online"));
}

int
coh_node_cluster_query(
    struct coh_node_cluster *cluster, const struct coh_node_query *query,
    coh_node_reply_handler *handle, void *user)
{
    const struct question question = {.handle = handle, .user = user};

    return send_message(
        cluster, coh_node_query_set(act_new("queryServer"), query), NULL,
        &question);
}

int
coh_node_cluster_listening(
    struct coh_node_cluster *cluster, const struct coh_node_query *query)
{
    return send_plain(cluster, coh_node_query_set(act_new("listening"), query));
}

int
coh_node_cluster_close(struct coh_node_cluster *cluster, struct cohort_str key)
{
    return send_plain(cluster, set_text(act_new("close"), "key", key));
}

static int
decide(struct coh_node_cluster *cluster, uint64_t seq, bool is_accepted)
{
    return send_plain(
        cluster,
        coh_json_set(
            reply_new(seq), "accepted", coh_json_boolean(is_accepted)));
}

int
coh_node_cluster_accept(struct coh_node_cluster *cluster, uint64_t seq)
{
    return decide(cluster, seq, true);
}

int
coh_node_cluster_refuse(struct coh_node_cluster *cluster, uint64_t seq)
{
    return decide(cluster, seq, false);
}

int
coh_node_cluster_announce_exit(
    struct coh_node_cluster *cluster, coh_node_reply_handler *handle,
    void *user)
{
    const struct question question = {.handle = handle, .user = user};

    return send_message(
        cluster, act_new("exitedAfterDisconnect"), NULL, &question);
}
