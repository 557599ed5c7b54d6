/* The Node codec: a Node program as a member. */
#include "server/cluster/node.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "core/json.h"
#include "server/channel/node_cluster.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"
#include "server/cluster/node_address.h"
#include "server/cluster/node_message.h"
#include "server/cluster/site.h"

static struct cohort_worker *
member_of(struct coh_node_cluster *cluster)
{
    struct coh_node *node = cluster->user;

    return node->member;
}

/* --- what comes ----------------------------------------------------------- */

static void
on_online(struct coh_node_cluster *cluster)
{
    coh_member_online(member_of(cluster));
}

static void
on_query(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_query *asked)
{
    struct coh_node *node = cluster->user;
    struct cohort_worker *member = node->member;
    struct coh_node_answer refusal = {.key = cohort_str_n("", 0), .fd = -1};
    struct coh_query query;

    refusal.error = coh_node_address_read(asked, &query);
    if (refusal.error < 0) {
        coh_member_must_hear(
            member, coh_node_cluster_answer(cluster, seq, &refusal));
        return;
    }
    node->asked = asked;
    coh_member_query(member, seq, &query);
    if (member->line == node) {
        node->asked = NULL; /* else it was closed, and is gone */
    }
}

/* The worker says the real port; the site may have been asked for with 0. */
static bool
is_about(const struct coh_query *query, const struct coh_site *site)
{
    struct coh_query real = *query;

    if (coh_query_is_same(query, &site->query)) {
        return true;
    }
    if (query->fd >= 0 || query->address.u.any.sa_family == AF_UNIX ||
        coh_addr_port(&query->address) != coh_addr_port(&site->bound)) {
        return false;
    }
    coh_addr_set_port(&real.address, 0);
    return coh_query_is_same(&real, &site->query);
}

static void
on_listening(
    struct coh_node_cluster *cluster, const struct coh_node_query *asked)
{
    struct cohort_worker *member = member_of(cluster);
    struct coh_query query;
    struct coh_seat *seat;

    if (coh_node_address_read(asked, &query) < 0) {
        return;
    }
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        if (!seat->is_leaving && is_about(&query, seat->site)) {
            coh_member_listening(seat);
            return;
        }
    }
}

static void
on_closed(struct coh_node_cluster *cluster, struct cohort_str key)
{
    struct cohort_worker *member = member_of(cluster);
    struct coh_seat *seat;

    TAILQ_FOREACH (seat, &member->seats, member_link) {
        if (!seat->is_leaving && coh_node_seat_is_of(seat, key)) {
            coh_member_closed(seat);
            return;
        }
    }
    if (member->is_leaving) {
        coh_member_has_closed(member);
    }
}

static void
on_leaves(struct coh_node_cluster *cluster, uint64_t seq)
{
    struct cohort_worker *member = member_of(cluster);

    coh_member_leaving(member, false);
    coh_member_must_hear(member, coh_node_cluster_acknowledge(cluster, seq));
}

static void
on_message(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    char *text = coh_node_message_copy(message->text);

    if (text == NULL) {
        coh_node_channel_reject(&cluster->channel, "finds no memory");
        return;
    }
    coh_member_message(
        member_of(cluster), cohort_str_n(text, message->text.size),
        &message->fd);
    free(text);
}

static void
on_gone(struct coh_node_cluster *cluster)
{
    struct coh_node *node = cluster->user;

    coh_node_sending_settle(&node->sending);
    coh_member_lost(node->member);
}

static const struct coh_node_cluster_role role = {
    .peer = "worker",
    .online = on_online,
    .query = on_query,
    .listening = on_listening,
    .closed = on_closed,
    .leaves = on_leaves,
    .message = on_message,
    .gone = on_gone,
};

/* --- the line ------------------------------------------------------------- */

static void
node_close(struct cohort_worker *member)
{
    struct coh_node *node = member->line;

    coh_node_sending_fini(&node->sending);
    coh_node_cluster_fini(&node->cluster);
    free(node);
}

static int
node_open(struct cohort_worker *member, int fd, int inspect_port)
{
    struct coh_node *node = calloc(1, sizeof(*node));
    int result;

    (void)inspect_port; /* among its words */
    if (node == NULL) {
        close(fd);
        return -ENOMEM;
    }
    node->member = member;
    coh_node_sending_init(
        &node->sending, &node->cluster.channel, &member->outbox,
        member->cluster->loop);
    result = coh_node_cluster_init(
        &node->cluster, member->cluster->loop, fd, &role, node,
        member->cluster->log);
    if (result < 0) {
        free(node);
        return result;
    }
    node->cluster.channel.peer_id = member->id;
    member->line = node;
    return 0;
}

/* What stands behind a handle waits until the handle is acknowledged. */
static bool
node_flush(struct cohort_worker *member)
{
    struct coh_node *node = member->line;

    coh_node_sending_settle(&node->sending);
    if (coh_node_queue_is_idle(&node->cluster.channel.queue)) {
        return true;
    }
    coh_node_channel_leave(&node->cluster.channel);
    return false;
}

static void
node_forget(struct cohort_worker *member)
{
    struct coh_node *node = member->line;

    coh_node_channel_forget(&node->cluster.channel);
}

static int
node_send(
    struct cohort_worker *member, struct cohort_str message, int fd,
    uint64_t *mark)
{
    struct coh_node *node = member->line;

    return coh_node_message_send(&node->sending, message, fd, mark);
}

static int
node_leave(struct cohort_worker *member)
{
    struct coh_node *node = member->line;

    return coh_node_cluster_disconnect(&node->cluster);
}

/* The first one's ticket keys are for all. */
static void
keep_data(struct coh_site *site, const struct coh_node_query *asked)
{
    if (site->data == NULL && asked != NULL && asked->data != NULL &&
        coh_json_kind(asked->data) != COH_JSON_NULL) {
        site->data = coh_json_keep(asked->data);
    }
}

static int
node_answer(struct cohort_worker *member, const struct coh_codec_answer *answer)
{
    struct coh_node *node = member->line;
    struct coh_node_answer reply = {.error = answer->result, .fd = -1};
    struct coh_node_sockname sockname;
    char key[COH_NODE_KEY_MAX];
    char text[COH_ADDR_TEXT_MAX];
    ssize_t size = coh_node_query_key(node->asked, key, sizeof(key));
    int result;

    if (answer->result == -ECANCELED || size < 0) {
        return 0; /* it leaves: it does not wait for an answer */
    }
    reply.key = cohort_str_n(key, (size_t)size);
    if (answer->seat != NULL) {
        struct coh_site *site = answer->seat->site;

        keep_data(site, node->asked);
        reply.data = site->data;
        reply.fd = coh_seat_socket(answer->seat);
        if (reply.fd < 0 &&
            coh_node_sockname_fill(&site->bound, &sockname, text)) {
            reply.sockname = &sockname;
        }
    }
    result = coh_node_cluster_answer(&node->cluster, answer->request, &reply);
    return result < 0 ? result : 0;
}

const struct coh_codec coh_codec_node = {
    .socket_type = SOCK_STREAM,
    .open = node_open,
    .close = node_close,
    .flush = node_flush,
    .forget = node_forget,
    .send = node_send,
    .leave = node_leave,
    .answer = node_answer,
    .take_seat = coh_node_take_seat,
    .give_seat = coh_node_give_seat,
    .is_seat_busy = coh_node_is_seat_busy,
};
