/* The Node codec, the member's side: a worker of a real Node primary. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/socket.h"
#include "server/accept/listener.h"
#include "server/cluster/listening.h"
#include "server/cluster/node_address.h"
#include "server/cluster/node_message.h"
#include "server/cluster/self.h"

/* --- connections ---------------------------------------------------------- */

static struct cohort_listening *
listening_of_key(struct coh_cluster_self *self, struct cohort_str key)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (listening->key != NULL && strlen(listening->key) == key.size &&
            memcmp(listening->key, key.data, key.size) == 0) {
            return listening;
        }
    }
    return NULL;
}

static void
on_connection(
    struct coh_node_cluster *cluster, struct coh_node_connection *connection)
{
    struct cohort_listening *listening =
        listening_of_key(cluster->user, connection->key);
    int fd = connection->fd;

    if (listening == NULL || !coh_listening_has_room(listening) ||
        coh_node_cluster_accept(cluster, connection->seq) < 0) {
        coh_node_cluster_refuse(cluster, connection->seq);
        return;
    }
    connection->fd = -1;
    coh_fd_set_nonblocking(fd, true);
    coh_listening_serve(listening, fd);
}

/* --- listening ------------------------------------------------------------ */

/* Node's bind does not tell that an address is in use: the socket comes
   unbound, and listening would give it any port. */
static int
check_bound(const struct cohort_listening *listening, int fd)
{
    const struct coh_query *query = &listening->query;
    struct coh_addr bound;
    int result = coh_addr_of_socket(fd, &bound);

    if (result < 0 || query->fd >= 0 ||
        query->address.u.any.sa_family == AF_UNIX ||
        coh_addr_port(&query->address) == 0) {
        return result;
    }
    return coh_addr_port(&bound) == coh_addr_port(&query->address)
        ? 0
        : -EADDRINUSE;
}

/* A socket that was sent is bound, and nobody listens on it yet. */
static int
take_socket(
    struct cohort_listening *listening, struct coh_node_reply *reply,
    struct coh_listening_answer *answer)
{
    int backlog = listening->query.options.backlog;
    int result = check_bound(listening, reply->fd);

    if (result < 0) {
        return result;
    }
    answer->policy = COHORT_POLICY_SHARED;
    answer->fd = reply->fd;
    reply->fd = -1;
    coh_fd_set_nonblocking(answer->fd, true);
    if (!listening->query.is_udp &&
        listen(answer->fd, backlog > 0 ? backlog : COH_LISTENER_BACKLOG) < 0) {
        return -errno;
    }
    return coh_addr_of_socket(answer->fd, &answer->bound);
}

static int
take_reply(
    struct cohort_listening *listening, struct coh_node_reply *reply,
    struct coh_listening_answer *answer)
{
    int result = reply->lost != 0 ? reply->lost : reply->error;

    if (result < 0) {
        return result;
    }
    listening->key = strndup(reply->key.data, reply->key.size);
    if (listening->key == NULL) {
        return -ENOMEM;
    }
    if (reply->fd >= 0) {
        return take_socket(listening, reply, answer);
    }
    answer->policy = COHORT_POLICY_ROUND_ROBIN;
    answer->bound = listening->query.address;
    return reply->has_sockname
        ? coh_node_sockname_read(&reply->sockname, &answer->bound)
        : 0;
}

/* What the primary gave and we do not have is closed: it must not think that we
   have it. Asked by the same worker for the same once more, Node's ends. */
static void
give_back(
    struct cohort_listening *listening, struct coh_node_reply *reply,
    struct coh_listening_answer *answer)
{
    if (answer->fd >= 0) {
        close(answer->fd);
        answer->fd = -1;
    }
    if (reply->error == 0 && reply->key.size > 0) {
        coh_self_must_be_heard(
            listening->self,
            coh_node_cluster_close(&listening->self->node, reply->key));
    }
    free(listening->key);
    listening->key = NULL;
}

static void
on_reply(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    struct cohort_listening *listening = user;
    struct coh_listening_answer answer = {.fd = -1};
    char why[COH_ADDR_TEXT_MAX + 128];
    char text[COH_ADDR_TEXT_MAX];

    (void)cluster;
    answer.result = take_reply(listening, reply, &answer);
    if (answer.result < 0) {
        give_back(listening, reply, &answer);
        snprintf(
            why, sizeof(why), "cannot listen on %s: %s",
            listening->query.fd < 0
                ? coh_addr_format(&listening->query.address, text)
                : "the primary's descriptor",
            strerror(-answer.result));
        answer.why = why;
    }
    coh_listening_answered(listening, &answer);
}

/* What Node's primary will know it by. */
static void
write_key(const struct coh_query *query, char key[COH_NODE_KEY_MAX])
{
    struct coh_node_query asked;
    char text[COH_ADDR_TEXT_MAX];

    coh_node_address_write(query, &asked, text);
    (void)coh_node_query_key(&asked, key, COH_NODE_KEY_MAX); /* it is short */
}

/* Another one of this worker has it. Our own primary says so, Node's ends. */
static bool
is_taken(const struct cohort_listening *listening)
{
    const struct cohort_listening *other;
    char key[COH_NODE_KEY_MAX];
    char other_key[COH_NODE_KEY_MAX];

    write_key(&listening->query, key);
    TAILQ_FOREACH (other, &listening->self->listenings, link) {
        if (other == listening || other->is_own ||
            !coh_listening_is_had(other)) {
            continue;
        }
        write_key(&other->query, other_key);
        if (strcmp(key, other_key) == 0) {
            return true;
        }
    }
    return false;
}

static int
node_query(struct cohort_listening *listening)
{
    struct coh_node_query asked;
    char text[COH_ADDR_TEXT_MAX];
    int result;

    if (is_taken(listening)) {
        return -EADDRINUSE;
    }
    coh_node_address_write(&listening->query, &asked, text);
    result = coh_node_cluster_query(
        &listening->self->node, &asked, on_reply, listening);
    return result < 0 ? result : 0;
}

static void
node_listening(struct cohort_listening *listening)
{
    struct coh_query query = listening->query;
    struct coh_node_query asked;
    char text[COH_ADDR_TEXT_MAX];

    if (query.fd < 0 && listening->address.port >= 0) {
        coh_addr_set_port(&query.address, (uint16_t)listening->address.port);
    }
    coh_node_address_write(&query, &asked, text);
    coh_self_must_be_heard(
        listening->self,
        coh_node_cluster_listening(&listening->self->node, &asked));
}

static void
node_closed(struct cohort_listening *listening)
{
    if (listening->key != NULL) {
        coh_self_must_be_heard(
            listening->self,
            coh_node_cluster_close(
                &listening->self->node, cohort_str(listening->key)));
        free(listening->key);
        listening->key = NULL;
    }
}

/* --- what comes ----------------------------------------------------------- */

static void
on_disconnect(struct coh_node_cluster *cluster)
{
    coh_self_leave(cluster->user);
}

static void
on_message(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    struct coh_cluster_self *self = cluster->user;
    char *text = coh_node_message_copy(message->text);

    if (text == NULL) {
        coh_node_channel_reject(&cluster->channel, "finds no memory");
        return;
    }
    /* Before the program has it: it may close it at once. */
    if (message->fd >= 0 && message->key.size > 0) {
        coh_node_counted_add(&self->counted, message->key, message->fd);
    }
    coh_self_message(
        self, cohort_str_n(text, message->text.size), &message->fd);
    free(text);
}

static void
on_other(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    struct coh_cluster_self *self = cluster->user;

    coh_node_counted_answer(&self->counted, message->text);
}

static void
on_gone(struct coh_node_cluster *cluster)
{
    struct coh_cluster_self *self = cluster->user;

    coh_node_sending_settle(&self->sending);
    coh_self_lost(self);
}

static const struct coh_node_cluster_role role = {
    .peer = "primary",
    .connection = on_connection,
    .disconnect = on_disconnect,
    .message = on_message,
    .other = on_other,
    .gone = on_gone,
};

/* --- the line ------------------------------------------------------------- */

static int
node_open(struct coh_cluster_self *self, int fd)
{
    int result = coh_node_cluster_init(
        &self->node, &self->self.loop, fd, &role, self, self->self.log);

    coh_node_sending_init(
        &self->sending, &self->node.channel, &self->outbox, &self->self.loop);
    coh_node_counted_init(
        &self->counted, &self->node.channel, &self->self.loop);
    if (result < 0) {
        return result;
    }
    result = coh_node_cluster_online(&self->node);
    if (result < 0) {
        coh_node_cluster_fini(&self->node);
        return result;
    }
    return 0;
}

static void
node_close(struct coh_cluster_self *self)
{
    coh_node_sending_fini(&self->sending);
    coh_node_counted_fini(&self->counted);
    coh_node_cluster_fini(&self->node);
}

/* What stands behind a handle waits until the handle is acknowledged. */
static bool
node_flush(struct coh_cluster_self *self)
{
    coh_node_sending_settle(&self->sending);
    if (coh_node_queue_is_idle(&self->node.channel.queue)) {
        return true;
    }
    coh_node_channel_leave(&self->node.channel);
    return false;
}

static int
node_send(
    struct coh_cluster_self *self, struct cohort_str message, int fd,
    uint64_t *mark)
{
    return coh_node_message_send(&self->sending, message, fd, mark);
}

static void
on_allowed(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    (void)user;
    if (reply->lost == 0) {
        coh_self_allowed(cluster->user);
    }
}

static int
node_announce(struct coh_cluster_self *self, bool is_kill)
{
    int result;

    (void)is_kill; /* Node knows no difference */
    result = coh_node_cluster_announce_exit(&self->node, on_allowed, NULL);
    return result < 0 ? result : 0;
}

const struct coh_self_codec coh_self_node = {
    .open = node_open,
    .close = node_close,
    .flush = node_flush,
    .send = node_send,
    .query = node_query,
    .listening = node_listening,
    .closed = node_closed,
    .announce = node_announce,
};
