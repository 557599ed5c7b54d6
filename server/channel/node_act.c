/* Cluster messages that came from a Node peer, each to the handler of its
   act. */
#include "server/channel/node_act.h"

#include "core/json.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"

static void
reject(struct coh_node_cluster *cluster, const char *why)
{
    coh_node_channel_reject(&cluster->channel, why);
}

static void
take_online(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    (void)act;
    if (cluster->role->online != NULL) {
        cluster->role->online(cluster);
    }
}

static void
take_query(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    struct coh_node_query query = {0};
    const char *why = coh_node_query_parse(&query, act->json);

    if (why == NULL && !act->has_seq) {
        why = "asks to listen, but has no number";
    }
    if (why != NULL) {
        reject(cluster, why);
    } else if (cluster->role->query != NULL) {
        cluster->role->query(cluster, act->seq, &query);
    }
}

static void
take_listening(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    struct coh_node_query query = {0};
    const char *why = coh_node_query_parse(&query, act->json);

    if (why != NULL) {
        reject(cluster, why);
    } else if (cluster->role->listening != NULL) {
        cluster->role->listening(cluster, &query);
    }
}

static void
take_close(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    struct cohort_str key;

    if (coh_json_get_string(coh_json_member(act->json, "key"), &key) < 0) {
        reject(cluster, "closes a listener, but does not say which");
    } else if (cluster->role->closed != NULL) {
        cluster->role->closed(cluster, key);
    }
}

static void
take_exit(struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    if (!act->has_seq) {
        reject(cluster, "announces an exit, but has no number");
    } else if (cluster->role->leaves != NULL) {
        cluster->role->leaves(cluster, act->seq);
    }
}

static void
take_connection(
    struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    struct coh_node_connection connection = {.seq = act->seq};

    if (!act->has_seq || act->message->handle == COH_NODE_NO_HANDLE ||
        coh_json_get_string(
            coh_json_member(act->json, "key"), &connection.key) < 0) {
        reject(cluster, "hands over a connection, but not all of it");
        return;
    }
    if (act->message->fd < 0) {
        /* Node takes no NACK for an answer, and would wait for ever. */
        coh_node_cluster_refuse(cluster, connection.seq);
        return;
    }
    if (cluster->role->connection != NULL) {
        connection.fd = act->message->fd;
        act->message->fd = -1;
        cluster->role->connection(cluster, &connection);
        act->message->fd = connection.fd;
    }
}

static void
take_disconnect(
    struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    (void)act;
    if (cluster->role->disconnect != NULL) {
        cluster->role->disconnect(cluster);
    }
}

void
coh_node_act_take(
    struct coh_node_cluster *cluster, const struct coh_node_act *act)
{
    static const struct {
        const char *name;
        void (*take)(
            struct coh_node_cluster *cluster, const struct coh_node_act *act);
    } acts[] = {
        {"newconn", take_connection},    {"queryServer", take_query},
        {"listening", take_listening},   {"close", take_close},
        {"online", take_online},         {"exitedAfterDisconnect", take_exit},
        {"disconnect", take_disconnect},
    };
    struct cohort_str name;

    if (coh_json_get_string(coh_json_member(act->json, "act"), &name) < 0) {
        return; /* an answer that came too late */
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (coh_str_is(name, acts[i].name)) {
            acts[i].take(cluster, act);
            return;
        }
    }
}
