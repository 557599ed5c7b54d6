/* A Node cluster's messages: both sides against each other and, line by line,
   against what Node writes. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/json.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"
#include "tests/server/node_peer.h"

#define CLUSTER(rest) "{\"cmd\":\"NODE_CLUSTER\"," rest "}\n"
#define HANDLE(msg)                                                            \
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":" msg "}\n"
#define NACK "{\"cmd\":\"NODE_HANDLE_NACK\"}\n"
#define ACK "{\"cmd\":\"NODE_HANDLE_ACK\"}\n"

static struct node_peer peer;
static struct coh_node_cluster primary;
static struct coh_node_cluster worker; /* only where both sides are ours */
static char record[8192];
static bool frees_cluster;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *format, ...)
{
    size_t size = strlen(record);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(record + size, sizeof(record) - size, format, arguments);
    va_end(arguments);
}

static void
maybe_free(struct coh_node_cluster *cluster)
{
    if (frees_cluster) {
        coh_node_cluster_fini(cluster);
    }
}

static void
on_online(struct coh_node_cluster *cluster)
{
    note("online\n");
    maybe_free(cluster);
}

static void
note_query(const char *what, const struct coh_node_query *query)
{
    char key[COH_NODE_KEY_MAX];

    assert_true(coh_node_query_key(query, key, sizeof(key)) > 0);
    note("%s %s\n", what, key);
}

static void
on_query(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_query *query)
{
    note("%d ", (int)seq);
    note_query("query", query);
    maybe_free(cluster);
}

static void
on_listening(
    struct coh_node_cluster *cluster, const struct coh_node_query *query)
{
    (void)cluster;
    note_query("listening", query);
}

static void
on_closed(struct coh_node_cluster *cluster, struct cohort_str key)
{
    (void)cluster;
    note("closed %.*s\n", (int)key.size, key.data);
}

static void
on_leaves(struct coh_node_cluster *cluster, uint64_t seq)
{
    note("leaves\n");
    assert_int_equal(coh_node_cluster_acknowledge(cluster, seq), 0);
}

static void
on_connection(
    struct coh_node_cluster *cluster, struct coh_node_connection *connection)
{
    note("connection %.*s\n", (int)connection->key.size, connection->key.data);
    assert_true(connection->fd >= 0);
    if (coh_str_is(connection->key, "mine")) {
        assert_int_equal(coh_node_cluster_accept(cluster, connection->seq), 0);
    } else {
        assert_int_equal(coh_node_cluster_refuse(cluster, connection->seq), 0);
    }
    maybe_free(cluster);
}

static void
on_disconnect(struct coh_node_cluster *cluster)
{
    (void)cluster;
    note("disconnect\n");
}

static void
on_message(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    (void)cluster;
    note("message %.*s\n", (int)message->text.size, message->text.data);
}

static void
on_other(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    (void)cluster;
    note("other %.*s\n", (int)message->text.size, message->text.data);
}

static void
on_gone(struct coh_node_cluster *cluster)
{
    note("gone\n");
    maybe_free(cluster);
}

static const struct coh_node_cluster_role primary_role = {
    .peer = "worker",
    .online = on_online,
    .query = on_query,
    .listening = on_listening,
    .closed = on_closed,
    .leaves = on_leaves,
    .message = on_message,
    .gone = on_gone,
};

static const struct coh_node_cluster_role worker_role = {
    .peer = "primary",
    .connection = on_connection,
    .disconnect = on_disconnect,
    .message = on_message,
    .other = on_other,
    .gone = on_gone,
};

static void
on_reply(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    note("reply to %s:", (const char *)user);
    if (reply->lost != 0) {
        note(" lost %d\n", reply->lost);
        maybe_free(cluster);
        return;
    }
    note(
        " error %d key %.*s data %s fd %s%s", reply->error,
        (int)reply->key.size, reply->key.size == 0 ? "" : reply->key.data,
        reply->data == NULL ? "no" : "yes", reply->fd < 0 ? "no" : "yes",
        reply->is_accepted ? " accepted" : "");
    if (reply->has_sockname) {
        note(
            " at %.*s %u%s", (int)reply->sockname.address.size,
            reply->sockname.address.data, reply->sockname.port,
            reply->sockname.is_v6 ? " v6" : "");
    }
    note("\n");
    maybe_free(cluster);
}

static int
setup(void **state)
{
    (void)state;
    record[0] = '\0';
    frees_cluster = false;
    node_peer_init(&peer);
    return coh_node_cluster_init(
        &primary, &peer.loop, peer.ours, &primary_role, NULL, &peer.log);
}

static int
teardown(void **state)
{
    (void)state;
    coh_node_cluster_fini(&primary);
    node_peer_fini(&peer);
    return 0;
}

static int
setup_both(void **state)
{
    setup(state);
    assert_int_equal(
        coh_node_cluster_init(
            &worker, &peer.loop, peer.theirs, &worker_role, NULL, &peer.log),
        0);
    return 0;
}

static int
teardown_both(void **state)
{
    coh_node_cluster_fini(&worker);
    peer.theirs = -1;
    return teardown(state);
}

static void
assert_told(const char *expected)
{
    node_peer_run(&peer);
    assert_string_equal(record, expected);
    record[0] = '\0';
}

/* --- a primary, against the lines of a worker ----------------------------- */

static void
write_lines(const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        node_peer_write(&peer, lines[i], -1);
    }
}

#define WRITE_LINES(lines) write_lines(lines, sizeof(lines) / sizeof(lines[0]))

static void
test_what_workers_say(void **state)
{
    static const char *const lines[] = {
        CLUSTER("\"act\":\"online\",\"seq\":0"),
        CLUSTER("\"act\":\"queryServer\",\"index\":0,\"data\":null,"
                "\"address\":\"127.0.0.1\",\"port\":0,\"addressType\":4,"
                "\"flags\":0,\"backlog\":511,\"seq\":1"),
        CLUSTER("\"act\":\"listening\",\"index\":0,\"data\":null,"
                "\"address\":\"127.0.0.1\",\"port\":80,\"addressType\":4,"
                "\"flags\":0,\"backlog\":511,\"seq\":2"),
        CLUSTER("\"act\":\"close\",\"key\":\"a\",\"seq\":3"),
        "{\"hello\":1}\n",
        CLUSTER("\"act\":\"exitedAfterDisconnect\",\"seq\":4"),
    };

    (void)state;
    WRITE_LINES(lines);
    assert_told("online\n"
                "1 query 127.0.0.1:0:4:undefined:0\n"
                "listening 127.0.0.1:80:4:undefined:0\n"
                "closed a\n"
                "message {\"hello\":1}\n"
                "leaves\n");
    node_peer_expect(&peer, CLUSTER("\"ack\":4,\"seq\":0"));
}

static void
test_what_is_ignored(void **state)
{
    static const char *const lines[] = {
        CLUSTER("\"act\":\"later\",\"seq\":0"),
        CLUSTER("\"ack\":17,\"seq\":1"),
        CLUSTER("\"act\":5"),
        CLUSTER("\"ack\":17,\"act\":\"online\",\"seq\":2"),
        CLUSTER("\"act\":\"disconnect\",\"seq\":3"),
        "{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"a\"}\n",
        "{\"cmd\":\"NODE_CLUSTERED\",\"act\":\"online\"}\n",
    };

    (void)state;
    WRITE_LINES(lines);
    node_peer_write(
        &peer,
        HANDLE("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"newconn\",\"key\":\"a\","
               "\"seq\":0}"),
        peer.theirs);
    assert_told("online\n");
    node_peer_expect(&peer, ACK);
}

static void
test_what_ends_the_channel(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {CLUSTER("\"act\":\"queryServer\",\"port\":-3,\"seq\":1"),
         "worker 0: its message asks to listen on a wrong port"},
        {CLUSTER("\"act\":\"queryServer\",\"port\":3"),
         "asks to listen, but has no number"},
        {CLUSTER("\"act\":\"queryServer\",\"port\":3,\"seq\":-1"),
         "asks to listen, but has no number"},
        {CLUSTER("\"act\":\"listening\",\"index\":[],\"seq\":1"),
         "asks to listen with a wrong index"},
        {CLUSTER("\"act\":\"close\",\"key\":1,\"seq\":1"),
         "closes a listener, but does not say which"},
        {CLUSTER("\"act\":\"exitedAfterDisconnect\",\"seq\":\"1\""),
         "announces an exit, but has no number"},
        {CLUSTER("\"act\":\"newconn\",\"key\":\"a\",\"seq\":0"),
         "hands over a connection, but not all of it"},
        {CLUSTER("\"act\":\"online\",\"seq\":1e999"),
         "of the cluster cannot be held"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *logged;

        setup(state);
        node_peer_write(&peer, cases[i].text, -1);
        assert_told("gone\n");
        logged = node_peer_logged(&peer);
        if (strstr(logged, cases[i].why) == NULL) {
            fail_msg("not logged: %s, but: %s", cases[i].why, logged);
        }
        free(logged);
        teardown(state);
    }
}

static void
test_what_a_primary_says(void **state)
{
    static const char expected[] = CLUSTER(
        "\"ack\":5,\"errno\":null,\"key\":\"a:80:4:undefined:0\","
        "\"data\":null,\"sockname\":{\"address\":\"127.0.0.1\","
        "\"family\":\"IPv4\",\"port\":80},\"seq\":0")
        CLUSTER("\"ack\":6,\"errno\":null,\"key\":\"a:80:4:undefined:0\","
                "\"data\":{\"ticketKeys\":null},\"sockname\":{\"address\":"
                "\"::\",\"family\":\"IPv6\",\"port\":443},\"seq\":1")
            CLUSTER("\"ack\":7,\"errno\":-98,\"key\":\"b\",\"data\":null,"
                    "\"seq\":2") CLUSTER("\"act\":\"disconnect\",\"seq\":3")
                HANDLE(
                    "{\"cmd\":\"NODE_CLUSTER\",\"ack\":8,\"errno\":0,\"key\":"
                    "\"b\",\"data\":null,\"seq\":4}");
    const struct coh_node_sockname v4 = {COH_STR("127.0.0.1"), 80, false};
    const struct coh_node_sockname v6 = {COH_STR("::"), 443, true};
    struct coh_json *data =
        coh_json_set(coh_json_object(), "ticketKeys", coh_json_null());
    struct coh_node_answer answer = {
        .key = COH_STR("a:80:4:undefined:0"), .sockname = &v4, .fd = -1};

    (void)state;
    assert_int_equal(coh_node_cluster_answer(&primary, 5, &answer), 0);
    answer.sockname = &v6;
    answer.data = data;
    assert_int_equal(coh_node_cluster_answer(&primary, 6, &answer), 0);
    answer = (struct coh_node_answer){
        .key = COH_STR("b"), .error = -EADDRINUSE, .fd = -1};
    assert_int_equal(coh_node_cluster_answer(&primary, 7, &answer), 0);
    assert_int_equal(coh_node_cluster_disconnect(&primary), 0);
    answer.error = 0;
    answer.fd = peer.theirs;
    assert_int_equal(coh_node_cluster_answer(&primary, 8, &answer), 0);
    assert_int_equal(node_peer_expect(&peer, expected), 1);
    coh_json_free(data);
}

static int
hand_over(const char *key, const char *name)
{
    const char *user = name;
    void *pointer;

    memcpy(&pointer, &user, sizeof(pointer));
    return coh_node_cluster_hand_over(
        &primary, cohort_str(key), peer.ours, on_reply, pointer);
}

static void
test_hand_over_is_pipelined(void **state)
{
    (void)state;
    assert_int_equal(hand_over("a", "first"), 0);
    assert_int_equal(hand_over("a", "second"), 0);
    assert_int_equal(
        node_peer_expect(
            &peer,
            HANDLE("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"newconn\",\"key\":"
                   "\"a\",\"seq\":0}")
                HANDLE("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"newconn\",\"key\":"
                       "\"a\",\"seq\":1}")),
        2);
    node_peer_write(
        &peer,
        ACK CLUSTER("\"ack\":0,\"accepted\":true,\"seq\":9")
            ACK CLUSTER("\"ack\":1,\"accepted\":false,\"seq\":10")
                CLUSTER("\"ack\":1,\"accepted\":true,\"seq\":11"),
        -1);
    assert_told("reply to first: error 0 key  data no fd no accepted\n"
                "reply to second: error 0 key  data no fd no\n");
}

/* A worker without descriptors never answers, and its NACK says so. */
static void
test_hand_over_lost(void **state)
{
    (void)state;
    assert_int_equal(hand_over("a", "first"), 0);
    assert_int_equal(hand_over("a", "second"), 0);
    node_peer_write(&peer, NACK, -1);
    assert_told("reply to first: lost -24\n");
    close(peer.theirs);
    peer.theirs = -1;
    assert_told("reply to second: lost -32\ngone\n");
    assert_int_equal(hand_over("a", "third"), -EPIPE);
}

static void
test_shared_socket_lost(void **state)
{
    struct coh_node_answer answer = {.key = COH_STR("a"), .fd = peer.ours};
    char *logged;

    (void)state;
    assert_int_equal(coh_node_cluster_answer(&primary, 1, &answer), 0);
    node_peer_write(&peer, NACK NACK NACK NACK, -1);
    assert_told("");
    logged = node_peer_logged(&peer);
    assert_non_null(strstr(logged, "raise its limit of open files"));
    free(logged);
}

static void
test_too_many_questions(void **state)
{
    int count = 0;
    int result;

    (void)state;
    while ((result = hand_over("a", "x")) >= 0) {
        count++;
        node_peer_write(&peer, ACK, -1);
        node_peer_run(&peer);
        if (count % 64 == 0) {
            char sink[64 * 1024];

            while (recv(peer.theirs, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
                continue;
            }
        }
    }
    assert_int_equal(result, -ENOBUFS);
    assert_int_equal(count, COH_NODE_CALLS_MAX);
    assert_string_equal(record, "");
}

static void
test_freed_by_a_handler(void **state)
{
    static const char *const texts[] = {
        CLUSTER("\"act\":\"online\",\"seq\":0"),
        CLUSTER("\"act\":\"queryServer\",\"port\":1,\"seq\":0"),
        CLUSTER("\"ack\":0,\"accepted\":true,\"seq\":0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        setup(state);
        frees_cluster = true;
        hand_over("a", "first");
        hand_over("a", "second");
        node_peer_write(&peer, texts[i], -1);
        node_peer_write(&peer, texts[0], -1);
        node_peer_run(&peer);
        assert_ptr_equal(strchr(record, '\n'), record + strlen(record) - 1);
        teardown(state);
    }
    /* The first who waits frees it: the others are not called any more. */
    setup(state);
    frees_cluster = true;
    hand_over("a", "first");
    hand_over("a", "second");
    close(peer.theirs);
    peer.theirs = -1;
    assert_told("reply to first: lost -32\n");
    teardown(state);
}

/* We have no descriptor left: who waits for an answer gets it. */
static void
test_robbed_of_a_descriptor(void **state)
{
    struct coh_node_query query = {.port = {COH_NODE_GIVEN, 80}};
    char user[] = "listener";

    (void)state;
    coh_node_cluster_query(&primary, &query, on_reply, user);
    node_peer_expect(
        &peer,
        CLUSTER("\"act\":\"queryServer\",\"data\":null,\"port\":80,"
                "\"seq\":0"));
    node_peer_write(
        &peer,
        HANDLE("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"newconn\",\"key\":"
               "\"a\",\"seq\":7}"),
        -1);
    node_peer_write(
        &peer, HANDLE("{\"cmd\":\"NODE_CLUSTER\",\"ack\":0,\"seq\":8}"), -1);
    assert_told("reply to listener: lost -24\n");
    /* Acknowledgements go first where they can. */
    node_peer_expect(
        &peer, NACK CLUSTER("\"ack\":7,\"accepted\":false,\"seq\":1") NACK);
}

/* --- both sides ----------------------------------------------------------- */

static char listener[] = "listener";
static char leaver[] = "leaver";

static void
test_worker_listens(void **state)
{
    const struct coh_node_sockname v6 = {COH_STR("::1"), 443, true};
    struct coh_node_query query = {
        .address = {COH_NODE_GIVEN, COH_STR("::1")},
        .port = {COH_NODE_GIVEN, 0},
        .index = {COH_NODE_GIVEN, 0},
        .type = COH_NODE_TYPE_6,
    };
    struct coh_node_answer answer = {
        .key = COH_STR("k"), .sockname = &v6, .fd = -1};

    (void)state;
    assert_int_equal(coh_node_cluster_online(&worker), 0);
    assert_int_equal(
        coh_node_cluster_query(&worker, &query, on_reply, listener), 0);
    assert_told("online\n1 query ::1:0:6:undefined:0\n");
    assert_int_equal(coh_node_cluster_answer(&primary, 1, &answer), 0);
    assert_told(
        "reply to listener: error 0 key k data no fd no at ::1 443 v6\n");
    query.port.value = 443;
    assert_int_equal(coh_node_cluster_listening(&worker, &query), 0);
    assert_int_equal(coh_node_cluster_close(&worker, COH_STR("k")), 0);
    assert_told("listening ::1:443:6:undefined:0\nclosed k\n");
}

static void
test_worker_shares_or_fails(void **state)
{
    struct coh_node_query query = {.port = {COH_NODE_GIVEN, 80}};
    struct coh_node_answer answer = {.key = COH_STR("k"), .fd = peer.ours};

    (void)state;
    coh_node_cluster_query(&worker, &query, on_reply, listener);
    coh_node_cluster_query(&worker, &query, on_reply, listener);
    node_peer_run(&peer);
    record[0] = '\0';
    answer.data = coh_json_boolean(true);
    assert_int_equal(coh_node_cluster_answer(&primary, 0, &answer), 0);
    answer.fd = -1;
    answer.error = -EACCES;
    assert_int_equal(coh_node_cluster_answer(&primary, 1, &answer), 0);
    assert_told("reply to listener: error 0 key k data yes fd yes\n"
                "reply to listener: error -13 key k data yes fd no\n");
    coh_json_free(answer.data);
}

static void
test_worker_takes_connections(void **state)
{
    (void)state;
    hand_over("mine", "first");
    hand_over("other", "second");
    assert_told("connection mine\nconnection other\n"
                "reply to first: error 0 key  data no fd no accepted\n"
                "reply to second: error 0 key  data no fd no\n");
    assert_int_equal(coh_node_cluster_disconnect(&primary), 0);
    assert_int_equal(
        coh_node_channel_send_internal(
            &primary.channel, COH_STR("{\"cmd\":\"NODE_SOCKET_X\"}"), NULL),
        0);
    assert_int_equal(
        coh_node_channel_send(&primary.channel, COH_STR("[1]"), NULL), 0);
    assert_told("disconnect\nother {\"cmd\":\"NODE_SOCKET_X\"}\n"
                "message [1]\n");
}

static void
test_worker_leaves(void **state)
{
    (void)state;
    assert_int_equal(
        coh_node_cluster_announce_exit(&worker, on_reply, leaver), 0);
    assert_told("leaves\nreply to leaver: error 0 key  data no fd no\n");
    coh_node_channel_leave(&worker.channel);
    assert_told("gone\ngone\n");
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)
#define TEST_BOTH(function)                                                    \
    cmocka_unit_test_setup_teardown(function, setup_both, teardown_both)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_workers_say),
        TEST(test_what_is_ignored),
        cmocka_unit_test(test_what_ends_the_channel),
        TEST(test_what_a_primary_says),
        TEST(test_hand_over_is_pipelined),
        TEST(test_hand_over_lost),
        TEST(test_shared_socket_lost),
        TEST(test_robbed_of_a_descriptor),
        TEST(test_too_many_questions),
        cmocka_unit_test(test_freed_by_a_handler),
        TEST_BOTH(test_worker_listens),
        TEST_BOTH(test_worker_shares_or_fails),
        TEST_BOTH(test_worker_takes_connections),
        TEST_BOTH(test_worker_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
