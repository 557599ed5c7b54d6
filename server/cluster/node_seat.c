/* The seats of Node members: each gets one connection at a time, and its
   answers are written into words of our own. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"
#include "server/cluster/node.h"
#include "server/cluster/site.h"

/* One that refused is asked again after this long: nothing else tells that it
   has room. */
#define FORGIVE_MS 100

/* What a seat has beyond its peer. */
struct node_seat {
    struct coh_handoff_words words; /* only this process writes them */
    struct event forgive;
    bool is_busy; /* an answer is awaited */
    char key[];   /* NUL-terminated */
};

/* It may have another one; if it hangs, not before it is found to be well. */
static void
credit(struct coh_seat *seat)
{
    if (!seat->member->is_isolated) {
        coh_handoff_credit(&seat->peer);
    } else {
        coh_rotation_settle(&seat->site->rotation);
    }
}

static void
on_forgive(evutil_socket_t fd, short what, void *user)
{
    struct coh_seat *seat = user;

    (void)fd;
    (void)what;
    if (!seat->is_leaving) {
        credit(seat);
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
        credit(seat);
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
    struct coh_node *node = seat->member->line;
    int result = coh_node_cluster_hand_over(
        &node->cluster, cohort_str(furniture->key), peer->batch_fds[0],
        on_reply, seat);

    furniture->is_busy = result >= 0;
    return result < 0 ? result : 0;
}

int
coh_node_take_seat(struct coh_seat *seat)
{
    struct coh_node *node = seat->member->line;
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

void
coh_node_give_seat(struct coh_seat *seat)
{
    struct node_seat *furniture = seat->codec;

    if (furniture != NULL) {
        event_del(&furniture->forgive);
        free(furniture);
        seat->codec = NULL;
    }
}

bool
coh_node_is_seat_busy(const struct coh_seat *seat)
{
    const struct node_seat *furniture = seat->codec;

    return furniture->is_busy;
}

bool
coh_node_seat_is_of(const struct coh_seat *seat, struct cohort_str key)
{
    const struct node_seat *furniture = seat->codec;

    return key.size == strlen(furniture->key) &&
        memcmp(key.data, furniture->key, key.size) == 0;
}
