/* The Node codec: a Node program as a member. It has no words, so it gets one
   connection at a time, and its answers are written into words of our own. */
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

/* One that refused is asked again after this long: nothing else tells that it
   has room. */
#define FORGIVE_MS 100

struct node {
    struct coh_node_cluster cluster;
    struct cohort_worker *member;
    const struct coh_node_query *asked; /* while a query is answered */
    struct coh_node_sending sending;
};

/* What a seat has beyond its peer. */
struct node_seat {
    struct coh_handoff_words words; /* only this process writes them */
    struct event forgive;
    bool is_busy; /* an answer is awaited */
    char key[];   /* NUL-terminated */
};

static struct cohort_worker *
member_of(struct coh_node_cluster *cluster)
{
    struct node *node = cluster->user;

    return node->member;
}

/* --- connections ---------------------------------------------------------- */

static void
on_forgive(evutil_socket_t fd, short what, void *user)
{
    struct coh_seat *seat = user;

    (void)fd;
    (void)what;
    if (!seat->is_leaving) {
        coh_handoff_credit(&seat->peer);
    }
}

static void
write_word(struct coh_seat *seat, bool is_taken)
{
    struct node_seat *furniture = seat->codec;

    atomic_store(
        &furniture->words.words[0],
        coh_handoff_word(
            seat->peer.sequences[0],
            is_taken ? COH_HANDOFF_TAKEN : COH_HANDOFF_REFUSED));
}

static void
on_reply(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    struct coh_seat *seat = user;
    struct node_seat *furniture = seat->codec;
    struct coh_rotation *rotation = &seat->site->rotation;

    (void)cluster;
    furniture->is_busy = false;
    if (reply->lost == -EPIPE) {
        return; /* the member is lost: what it had goes to others then */
    }
    write_word(seat, reply->lost == 0 && reply->is_accepted);
    if (seat->is_leaving) {
        coh_rotation_settle(rotation);
        coh_site_leave(seat, false);
    } else if (reply->lost == 0 && reply->is_accepted) {
        coh_handoff_credit(&seat->peer);
    } else {
        coh_event_add_ms(&furniture->forgive, FORGIVE_MS);
        coh_rotation_settle(rotation);
        coh_rotation_flush(rotation);
    }
}

/* A window of one: the batch has one connection. */
static int
send_batch(struct coh_handoff_peer *peer)
{
    struct coh_seat *seat =
        (struct coh_seat *)((char *)peer - offsetof(struct coh_seat, peer));
    struct node_seat *furniture = seat->codec;
    struct node *node = seat->member->line;
    int result = coh_node_cluster_hand_over(
        &node->cluster, cohort_str(furniture->key), peer->batch_fds[0],
        on_reply, seat);

    furniture->is_busy = result >= 0;
    return result < 0 ? result : 0;
}

static int
node_take_seat(struct coh_seat *seat)
{
    struct node *node = seat->member->line;
    char key[COH_NODE_KEY_MAX];
    ssize_t size = coh_node_query_key(node->asked, key, sizeof(key));
    struct node_seat *furniture;

    if (size < 0) {
        return (int)size;
    }
    furniture = calloc(1, sizeof(*furniture) + (size_t)size + 1);
    if (furniture == NULL) {
        return -ENOMEM;
    }
    memcpy(furniture->key, key, (size_t)size);
    event_assign(
        &furniture->forgive, seat->member->cluster->loop->base, -1, 0,
        on_forgive, seat);
    seat->codec = furniture;
    coh_handoff_peer_init(&seat->peer, &furniture->words, NULL);
    seat->peer.send = send_batch;
    seat->peer.busy = ((1U << COH_HANDOFF_WINDOW) - 1) & ~1U;
    return 0;
}

static void
node_give_seat(struct coh_seat *seat)
{
    struct node_seat *furniture = seat->codec;

    if (furniture != NULL) {
        event_del(&furniture->forgive);
        free(furniture);
        seat->codec = NULL;
    }
}

static bool
node_is_seat_busy(const struct coh_seat *seat)
{
    const struct node_seat *furniture = seat->codec;

    return furniture->is_busy;
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
    struct node *node = cluster->user;
    struct cohort_worker *member = node->member;
    struct coh_node_answer refusal = {.key = cohort_str_n("", 0), .fd = -1};
    struct coh_query query;

    refusal.error = coh_node_address_read(asked, &query);
    if (refusal.error < 0) {
        coh_node_cluster_answer(cluster, seq, &refusal);
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
        const struct node_seat *furniture = seat->codec;

        if (!seat->is_leaving && key.size == strlen(furniture->key) &&
            memcmp(key.data, furniture->key, key.size) == 0) {
            coh_member_closed(seat);
            return;
        }
    }
}

static void
on_leaves(struct coh_node_cluster *cluster, uint64_t seq)
{
    coh_member_leaving(member_of(cluster), false);
    coh_node_cluster_acknowledge(cluster, seq);
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
    coh_member_lost(member_of(cluster));
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
    struct node *node = member->line;

    coh_node_sending_fini(&node->sending);
    coh_node_cluster_fini(&node->cluster);
    free(node);
}

static int
node_open(struct cohort_worker *member, int fd, int inspect_port)
{
    struct node *node = calloc(1, sizeof(*node));
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
    struct node *node = member->line;

    if (coh_node_queue_is_idle(&node->cluster.channel.queue)) {
        return true;
    }
    coh_node_channel_leave(&node->cluster.channel);
    return false;
}

static int
node_descriptor(const struct cohort_worker *member)
{
    const struct node *node = member->line;

    return node->cluster.channel.fd;
}

static int
node_send(
    struct cohort_worker *member, struct cohort_str message, int fd,
    uint64_t *mark)
{
    struct node *node = member->line;

    return coh_node_message_send(&node->sending, message, fd, mark);
}

static int
node_leave(struct cohort_worker *member)
{
    struct node *node = member->line;

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
    struct node *node = member->line;
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
    .descriptor = node_descriptor,
    .send = node_send,
    .leave = node_leave,
    .answer = node_answer,
    .take_seat = node_take_seat,
    .give_seat = node_give_seat,
    .is_seat_busy = node_is_seat_busy,
};
