/* One end of a Node cluster: messages that came, to their handlers; answers to
   those who asked. */
#include "server/channel/node_cluster.h"

#include <errno.h>
#include <inttypes.h>

#include <cohort/log.h>

#include "core/json.h"
#include "core/str.h"
#include "server/channel/node_act.h"

/* JavaScript's whole numbers. */
#define SEQ_MAX ((INT64_C(1) << 53) - 1)

/* --- answers -------------------------------------------------------------- */

static void
get_sockname(const struct coh_json *json, struct coh_node_reply *reply)
{
    const struct coh_json *sockname = coh_json_member(json, "sockname");
    struct cohort_str family;
    int64_t port;

    if (coh_json_get_string(
            coh_json_member(sockname, "address"), &reply->sockname.address) ==
            0 &&
        coh_json_get_integer(
            coh_json_member(sockname, "port"), 0, UINT16_MAX, &port) == 0) {
        reply->has_sockname = true;
        reply->sockname.port = (uint16_t)port;
        reply->sockname.is_v6 =
            coh_json_get_string(coh_json_member(sockname, "family"), &family) ==
                0 &&
            coh_str_is(family, "IPv6");
    }
}

static void
call_back(
    struct coh_node_cluster *cluster, const struct coh_node_call *call,
    struct coh_node_reply *reply)
{
    call->handle(cluster, call->user, reply);
}

/* There will be no answer to this question; or it came without what matters.
   json: it; NULL: none. */
static void
lose(
    struct coh_node_cluster *cluster, const struct coh_node_call *call,
    int reason, const struct coh_json *json)
{
    struct coh_node_reply reply = {.lost = reason, .fd = -1};

    coh_json_get_string(coh_json_member(json, "key"), &reply.key);
    call_back(cluster, call, &reply);
}

/* errno is null, 0 or negative; what else it may be is no success. */
static int
error_of(const struct coh_json *json)
{
    const struct coh_json *value = coh_json_member(json, "errno");
    int64_t error;

    if (value == NULL || coh_json_kind(value) == COH_JSON_NULL) {
        return 0;
    }
    return coh_json_get_integer(value, -4095, 0, &error) < 0 ? -EPROTO
                                                             : (int)error;
}

static void
answer(
    struct coh_node_cluster *cluster, const struct coh_node_call *call,
    const struct coh_node_act *act)
{
    const struct coh_json *json = act->json;
    struct coh_node_reply reply = {
        .error = error_of(json),
        .data = coh_json_member(json, "data"),
        .fd = act->message->fd,
    };

    act->message->fd = -1;
    coh_json_get_string(coh_json_member(json, "key"), &reply.key);
    coh_json_get_boolean(coh_json_member(json, "accepted"), &reply.is_accepted);
    get_sockname(json, &reply);
    if (reply.data != NULL && coh_json_kind(reply.data) == COH_JSON_NULL) {
        reply.data = NULL;
    }
    call_back(cluster, call, &reply);
    act->message->fd = reply.fd;
}

/* True if the message answers a question of ours. */
static bool
take_answer(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    struct coh_node_call call;
    int64_t ack;

    if (coh_json_get_integer(
            coh_json_member(act->json, "ack"), 0, SEQ_MAX, &ack) < 0 ||
        !coh_node_calls_take(&cluster->calls, (uint64_t)ack, &call)) {
        return false;
    }
    if (act->message->handle != COH_NODE_NO_HANDLE && act->message->fd < 0) {
        lose(cluster, &call, -EMFILE, act->json);
    } else {
        answer(cluster, &call, act);
    }
    return true;
}

/* --- the channel's role --------------------------------------------------- */

static bool
is_cluster_message(struct cohort_str text)
{
    struct cohort_str command;

    return coh_json_text_member(text, "cmd", &command) &&
        coh_json_text_is(command, "NODE_CLUSTER");
}

static void
on_internal(struct coh_node_channel *channel, struct coh_node_message *message)
{
    struct coh_node_cluster *cluster = channel->user;
    struct coh_node_act act = {.message = message};
    struct coh_json *json;
    int64_t seq;

    if (!is_cluster_message(message->text)) {
        if (cluster->role->other != NULL) {
            cluster->role->other(cluster, message);
        }
        return;
    }
    if (coh_json_parse(message->text, COH_NODE_LINE_MAX, &json, NULL) < 0) {
        coh_node_channel_reject(channel, "of the cluster cannot be held");
        return;
    }
    act.json = json;
    act.has_seq = coh_json_get_integer(
                      coh_json_member(json, "seq"), 0, SEQ_MAX, &seq) == 0;
    act.seq = act.has_seq ? (uint64_t)seq : 0;
    if (!take_answer(cluster, &act)) {
        coh_node_act_take(cluster, &act);
    }
    coh_json_free(json);
}

static void
on_message(struct coh_node_channel *channel, struct coh_node_message *message)
{
    struct coh_node_cluster *cluster = channel->user;

    if (cluster->role->message != NULL) {
        cluster->role->message(cluster, message);
    }
}

/* The token of a descriptor is the number of its message. When it never came
   with a question, nobody waits; but a worker then waits for its socket. */
static void
on_passed(struct coh_node_channel *channel, uint64_t token, bool was_taken)
{
    struct coh_node_cluster *cluster = channel->user;
    struct coh_node_call call;

    if (was_taken) {
        return;
    }
    if (coh_node_calls_take(&cluster->calls, token, &call)) {
        lose(cluster, &call, -EMFILE, NULL);
    } else {
        cohort_error(
            channel->log,
            "%s %" PRIu64 " had no room for a descriptor that was sent to it: "
            "raise its limit of open files",
            channel->role->peer, channel->peer_id);
    }
}

static void
on_drained(struct coh_node_channel *channel)
{
    struct coh_node_cluster *cluster = channel->user;

    if (cluster->role->drained != NULL) {
        cluster->role->drained(cluster);
    }
}

/* Handlers may free the cluster: those who still wait then are forgotten. */
static void
on_gone(struct coh_node_channel *channel)
{
    struct coh_node_cluster *cluster = channel->user;
    struct coh_node_call call;
    bool *is_freed = channel->is_freed;

    while (!*is_freed && coh_node_calls_take_first(&cluster->calls, &call)) {
        lose(cluster, &call, -EPIPE, NULL);
    }
    if (!*is_freed) {
        cluster->role->gone(cluster);
    }
}

/* --- beginning and ending ------------------------------------------------- */

int
coh_node_cluster_init(
    struct coh_node_cluster *cluster, struct coh_loop *loop, int fd,
    const struct coh_node_cluster_role *role, void *user,
    struct cohort_log *log)
{
    cluster->channel_role = (struct coh_node_channel_role){
        .peer = role->peer,
        .message = on_message,
        .internal = on_internal,
        .passed = on_passed,
        .drained = on_drained,
        .gone = on_gone,
    };

    cluster->role = role;
    cluster->user = user;
    coh_node_calls_init(&cluster->calls);
    return coh_node_channel_init(
        &cluster->channel, loop, fd, &cluster->channel_role, cluster, log);
}

void
coh_node_cluster_fini(struct coh_node_cluster *cluster)
{
    coh_node_channel_fini(&cluster->channel);
    coh_node_calls_fini(&cluster->calls);
}
