/* The Node channel: lines, descriptors, acknowledgements, limits, endings. */
#include "tests/core/limit.h"
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_channel.h"
#include "tests/server/node_peer.h"

#define HANDLE(type, msg)                                                      \
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"" type "\",\"msg\":" msg "}\n"
#define ACK "{\"cmd\":\"NODE_HANDLE_ACK\"}\n"
#define NACK "{\"cmd\":\"NODE_HANDLE_NACK\"}\n"

static struct node_peer peer;
static struct coh_node_channel channel;
static char record[64 * 1024]; /* what the handlers were told, in order */
static int kept_fd;
static bool keeps_fd;
static bool frees_channel;

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
note_message(const char *what, struct coh_node_message *message)
{
    note("%s %.*s", what, (int)message->text.size, message->text.data);
    if (message->handle != COH_NODE_NO_HANDLE) {
        note(" +%d", (int)message->handle);
    }
    if (message->key.size > 0) {
        note(" key %.*s", (int)message->key.size, message->key.data);
    }
    note("\n");
    if (keeps_fd) {
        kept_fd = message->fd;
        message->fd = -1;
    }
    if (frees_channel) {
        coh_node_channel_fini(&channel);
    }
}

static void
on_message(struct coh_node_channel *one, struct coh_node_message *message)
{
    (void)one;
    note_message("user", message);
}

static void
on_internal(struct coh_node_channel *one, struct coh_node_message *message)
{
    (void)one;
    note_message("internal", message);
}

static void
on_passed(struct coh_node_channel *one, uint64_t token, bool was_taken)
{
    (void)one;
    note("passed %d %s\n", (int)token, was_taken ? "yes" : "no");
}

static void
on_drained(struct coh_node_channel *one)
{
    (void)one;
    note("drained\n");
}

static void
on_gone(struct coh_node_channel *one)
{
    (void)one;
    note("gone\n");
}

static const struct coh_node_channel_role role = {
    .peer = "worker",
    .message = on_message,
    .internal = on_internal,
    .passed = on_passed,
    .drained = on_drained,
    .gone = on_gone,
};

static int
setup(void **state)
{
    (void)state;
    record[0] = '\0';
    kept_fd = -1;
    keeps_fd = false;
    frees_channel = false;
    node_peer_init(&peer);
    assert_int_equal(
        coh_node_channel_init(
            &channel, &peer.loop, peer.ours, &role, NULL, &peer.log),
        0);
    channel.peer_id = 7;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_node_channel_fini(&channel);
    if (kept_fd >= 0) {
        close(kept_fd);
    }
    node_peer_fini(&peer);
    return 0;
}

static void
assert_told(const char *expected)
{
    node_peer_run(&peer);
    assert_string_equal(record, expected);
    record[0] = '\0';
}

static void
assert_logged(const char *expected)
{
    char *logged = node_peer_logged(&peer);

    if (expected == NULL) {
        assert_string_equal(logged, "");
    } else {
        if (strstr(logged, expected) == NULL) {
            fail_msg("not logged: %s, but: %s", expected, logged);
        }
        assert_ptr_equal(strchr(logged, '\n'), logged + strlen(logged) - 1);
    }
    free(logged);
}

static int
send_text(const char *text)
{
    return coh_node_channel_send(&channel, cohort_str(text), NULL);
}

/* A descriptor of ours, said to be a socket. */
static int
send_fd(const char *text, bool is_pipelined, bool is_retried, uint64_t token)
{
    struct coh_node_pass pass = {
        .fd = peer.theirs,
        .handle = COH_NODE_NET_SOCKET,
        .is_pipelined = is_pipelined,
        .is_retried = is_retried,
        .token = token,
    };

    return coh_node_channel_send(&channel, cohort_str(text), &pass);
}

static void
test_any_value_is_a_message(void **state)
{
    (void)state;
    node_peer_write(
        &peer,
        "1\n\"a\"\nnull\nfalse\n[1]\n{\"cmd\":1}\n{\"cmd\":\"NODE_\"}\n"
        "{\"cmd\":\"node_a\"}\n[\"cmd\",\"NODE_A\"]\n{\"a\":{\"cmd\":\"NODE_"
        "A\"}}\n",
        -1);
    assert_told("user 1\nuser \"a\"\nuser null\nuser false\nuser [1]\n"
                "user {\"cmd\":1}\nuser {\"cmd\":\"NODE_\"}\n"
                "user {\"cmd\":\"node_a\"}\nuser [\"cmd\",\"NODE_A\"]\n"
                "user {\"a\":{\"cmd\":\"NODE_A\"}}\n");
}

static void
test_internal_messages_are_apart(void **state)
{
    (void)state;
    node_peer_write(
        &peer, "{\"cmd\":\"NODE_X\"}\n{\"cmd\":\"\\u004eODE_CLUSTER\"}\n", -1);
    assert_told("internal {\"cmd\":\"NODE_X\"}\n"
                "internal {\"cmd\":\"\\u004eODE_CLUSTER\"}\n");
}

static void
test_lines_split_anywhere(void **state)
{
    static const char text[] = "{\"a\":\"\xc3\xa9\"}\n\"b\"\n";

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char byte[2] = {text[i], '\0'};

        node_peer_write(&peer, byte, -1);
        node_peer_run(&peer);
    }
    assert_told("user {\"a\":\"\xc3\xa9\"}\nuser \"b\"\n");
    assert_null(channel.lines.data);
}

static void
test_a_turn_is_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < COH_NODE_TURN_MAX * 2 + 1; i++) {
        node_peer_write(&peer, "0\n", -1);
    }
    event_base_loop(peer.loop.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    assert_int_equal(strlen(record), COH_NODE_TURN_MAX * 7);
    node_peer_run(&peer);
    assert_int_equal(strlen(record), (COH_NODE_TURN_MAX * 2 + 1) * 7);
    /* And it reads on. */
    node_peer_write(&peer, "0\n", -1);
    node_peer_run(&peer);
    assert_int_equal(strlen(record), (COH_NODE_TURN_MAX * 2 + 2) * 7);
}

static void
test_malformed_lines_close(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"{\"a\":}\n",
         "worker 7: its message is not JSON that we take: it has "
         "no value where one must be, at byte 6"},
        {"\n", "it has no value where one must be, at byte 1"},
        {"1\n{}}\n", "it goes on after its end, at byte 3"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0\n", "it is nested too deeply"},
        {ACK, "acknowledges a descriptor that was not sent"},
        {NACK, "acknowledges a descriptor that was not sent"},
        {"{\"cmd\":\"NODE_HANDLE\",\"msg\":1}\n", "without type or msg"},
        {"{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\"}\n",
         "without type or msg"},
        {HANDLE("net.Pipe", "1"), "an envelope of an unknown type"},
        {HANDLE("net.Native", "{\"cmd\":\"NODE_HANDLE_ACK\"}"),
         "an envelope in an envelope"},
        {HANDLE("dgram.Native", "1"),
         "has a descriptor that is not what it says"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setup(state);
        node_peer_write(
            &peer, cases[i].text,
            strstr(cases[i].text, "type") == NULL ? -1 : peer.theirs);
        node_peer_run(&peer);
        assert_non_null(strstr(record, "gone\n"));
        assert_true(channel.fd < 0);
        assert_logged(cases[i].why);
        assert_int_equal(send_text("1"), -EPIPE);
        teardown(state);
    }
}

static void
test_too_long_a_line_closes(void **state)
{
    char *text = malloc(COH_NODE_LINE_MAX + 4);
    size_t sent = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', COH_NODE_LINE_MAX);
    text[0] = '"';
    strcpy(text + COH_NODE_LINE_MAX - 1, "\"\nx");
    for (int i = 0; i < 2; i++) {
        while (sent < strlen(text) - 1) {
            ssize_t some = send(
                peer.theirs, text + sent, strlen(text) - 1 - sent,
                MSG_DONTWAIT);

            sent += some < 0 ? 0 : (size_t)some;
            node_peer_run(&peer);
        }
        if (i == 0) { /* the longest that may be */
            assert_int_equal(strlen(record), sizeof(record) - 1);
            record[0] = '\0';
            strcpy(text + COH_NODE_LINE_MAX - 1, "x\"\n");
            sent = 0;
        }
        strcpy(text + COH_NODE_LINE_MAX - 1, "x\"x");
    }
    assert_told("gone\n");
    assert_logged("is longer than 1 MiB");
    free(text);
}

static void
test_a_descriptor_comes_with_its_line(void **state)
{
    (void)state;
    keeps_fd = true;
    node_peer_write(&peer, HANDLE("net.Socket", "{\"a\":1}"), peer.theirs);
    assert_told("user {\"a\":1} +3\n");
    assert_int_equal(fcntl(kept_fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(node_peer_expect(&peer, ACK), 0);
}

static void
test_a_descriptor_nobody_keeps_is_closed(void **state)
{
    (void)state;
    node_peer_write(
        &peer,
        "{\"key\":\"a:1\",\"msg\":{\"cmd\":\"NODE_CLUSTER\"},\"type\":"
        "\"net.Server\",\"cmd\":\"NODE_HANDLE\"}\n",
        peer.theirs);
    assert_told("internal {\"cmd\":\"NODE_CLUSTER\"} +4 key \"a:1\"\n");
    assert_int_equal(node_peer_expect(&peer, ACK), 0);
}

/* Lines before it in the same read, itself in three reads. */
static void
test_a_descriptor_behind_other_lines(void **state)
{
    (void)state;
    node_peer_write(&peer, "1\n2\n", -1);
    node_peer_write(&peer, "{\"cmd\":\"NODE_HAN", peer.theirs);
    node_peer_run(&peer);
    node_peer_write(&peer, "DLE\",\"type\":\"net.Nat", -1);
    node_peer_run(&peer);
    node_peer_write(&peer, "ive\",\"msg\":3}\n", -1);
    node_peer_write(&peer, HANDLE("net.Native", "4"), peer.theirs);
    node_peer_write(&peer, HANDLE("net.Native", "5") "6\n", peer.theirs);
    assert_told("user 1\nuser 2\nuser 3 +1\nuser 4 +1\nuser 5 +1\nuser 6\n");
    assert_int_equal(node_peer_expect(&peer, ACK ACK ACK), 0);
}

static void
test_a_line_without_its_descriptor(void **state)
{
    (void)state;
    node_peer_write(&peer, HANDLE("net.Native", "1") "2\n", -1);
    assert_told("user 2\n");
    assert_int_equal(node_peer_expect(&peer, NACK), 0);
    assert_logged(NULL);
}

/* They are closed (teardown counts), and the next line doesn't get them. */
static void
test_descriptors_without_their_line(void **state)
{
    (void)state;
    node_peer_write(&peer, "1\n", peer.theirs);
    node_peer_run(&peer);
    node_peer_write(&peer, HANDLE("net.Native", "2"), -1);
    node_peer_run(&peer);
    node_peer_write(&peer, "[", peer.theirs);
    node_peer_run(&peer);
    node_peer_write(&peer, "3", peer.theirs);
    node_peer_run(&peer);
    node_peer_write(&peer, "]\n", peer.theirs);
    node_peer_write(&peer, HANDLE("net.Native", "4"), -1);
    assert_told("user 1\nuser [3]\n");
    assert_int_equal(node_peer_expect(&peer, NACK NACK), 0);
    node_peer_write(&peer, "[", peer.theirs); /* for fini */
    node_peer_run(&peer);
}

static void
test_two_descriptors_with_one_line(void **state)
{
    static const char text[] = HANDLE("net.Native", "1");
    struct iovec part = {.iov_len = sizeof(text) - 1};
    const char *data = text;
    int fds[] = {peer.theirs, 0, 1};

    (void)state;
    keeps_fd = true;
    memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
    assert_int_equal(coh_fds_send(peer.theirs, &part, 1, fds, 3), part.iov_len);
    assert_told("user 1 +1\n");
    assert_int_equal(node_peer_expect(&peer, ACK), 0);
}

/* This process has no room: the peer learns it, and nothing else is lost. */
static void
test_no_room_for_a_descriptor(void **state)
{
    struct test_fd_limit limit;

    (void)state;
    node_peer_write(&peer, "0\n", -1);
    node_peer_write(&peer, HANDLE("net.Native", "1") "2\n", peer.theirs);
    limit = test_limit_fds(0);
    node_peer_run(&peer);
    test_unlimit_fds(&limit);
    assert_told("user 0\nuser 2\n");
    assert_int_equal(node_peer_expect(&peer, NACK), 0);
}

static void
test_sent_in_order(void **state)
{
    (void)state;
    assert_int_equal(send_text("{\"a\":\n [1,\n\"b\"]}"), 0);
    assert_int_equal(send_text("null"), 0);
    assert_int_equal(
        node_peer_expect(&peer, "{\"a\":  [1, \"b\"]}\nnull\n"), 0);
    assert_int_equal(send_text("{a}"), -EINVAL);
    assert_int_equal(send_text(""), -EINVAL);
    assert_int_equal(send_text("{\"cmd\":\"NODE_X\"}"), -EINVAL);
    assert_int_equal(send_text("{\"\\u0063md\":\"NODE\\u005fX\"}"), -EINVAL);
    assert_int_equal(
        coh_node_channel_send_internal(
            &channel, COH_STR("{\"cmd\":\"NODE_X\"}"), NULL),
        0);
    assert_int_equal(node_peer_expect(&peer, "{\"cmd\":\"NODE_X\"}\n"), 0);
}

/* It goes on as soon as the peer has read, without waiting for a time. */
static void
test_a_long_line_goes_as_fast_as_it_is_read(void **state)
{
    char *text = malloc(COH_NODE_LINE_MAX + 1);
    size_t size = COH_NODE_LINE_MAX - 1;
    size_t got = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    text[size] = '\0';
    assert_int_equal(send_text(text), COH_NODE_PRESSURE);
    while (got < size + 1) {
        size_t before = got;
        ssize_t some;

        while ((some = recv(
                    peer.theirs, text, COH_NODE_LINE_MAX, MSG_DONTWAIT)) > 0) {
            got += (size_t)some;
        }
        assert_true(got > before);
        node_peer_run(&peer);
    }
    assert_int_equal(got, size + 1);
    free(text);
}

static void
test_later_messages_wait_for_the_ack(void **state)
{
    (void)state;
    assert_int_equal(send_fd("1", false, false, 11), 0);
    assert_int_equal(send_text("2"), 0);
    assert_int_equal(send_fd("3", false, false, 12), 0);
    assert_int_equal(send_text("4"), 0);
    assert_int_equal(node_peer_expect(&peer, HANDLE("net.Socket", "1")), 1);
    /* Our own acknowledgements don't wait. */
    node_peer_write(&peer, HANDLE("net.Native", "0"), peer.theirs);
    assert_told("user 0 +1\n");
    assert_int_equal(node_peer_expect(&peer, ACK), 0);
    node_peer_write(&peer, ACK, -1);
    assert_told("passed 11 yes\n");
    assert_int_equal(
        node_peer_expect(&peer, "2\n" HANDLE("net.Socket", "3")), 1);
    node_peer_write(&peer, NACK, -1);
    assert_told("passed 12 no\n");
    assert_int_equal(node_peer_expect(&peer, "4\n"), 0);
}

static void
test_pipelined_ones_do_not_wait(void **state)
{
    (void)state;
    assert_int_equal(send_fd("1", true, false, 1), 0);
    assert_int_equal(send_fd("2", true, false, 2), 0);
    assert_int_equal(send_text("3"), 0);
    assert_int_equal(
        node_peer_expect(
            &peer, HANDLE("net.Socket", "1") HANDLE("net.Socket", "2") "3\n"),
        2);
    node_peer_write(&peer, ACK NACK, -1);
    assert_told("passed 1 yes\npassed 2 no\n");
}

static void
test_sent_again_after_a_nack(void **state)
{
    (void)state;
    assert_int_equal(send_fd("1", false, true, 1), 0);
    assert_int_equal(send_text("2"), 0);
    for (int i = 0; i < COH_NODE_RETRIES; i++) {
        assert_int_equal(node_peer_expect(&peer, HANDLE("net.Socket", "1")), 1);
        node_peer_write(&peer, NACK, -1);
        assert_told("");
    }
    assert_int_equal(node_peer_expect(&peer, HANDLE("net.Socket", "1")), 1);
    node_peer_write(&peer, NACK, -1);
    assert_told("passed 1 no\n");
    assert_int_equal(node_peer_expect(&peer, "2\n"), 0);
}

static void
test_udp_socket_says_its_family(void **state)
{
    struct coh_node_pass pass = {.handle = COH_NODE_DGRAM_SOCKET};

    (void)state;
    pass.fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (pass.fd < 0) {
        skip(); /* no IPv6 here */
    }
    assert_int_equal(coh_node_channel_send(&channel, COH_STR("1"), &pass), 0);
    assert_int_equal(
        node_peer_expect(
            &peer,
            "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Socket\","
            "\"dgramType\":\"udp6\",\"msg\":1}\n"),
        1);
    close(pass.fd);
}

/* Queued until the limit, told to wait before, drained when the peer reads. */
static void
test_pressure(void **state)
{
    static char text[32 * 1024];
    size_t sent = 0;
    size_t pressed = 0;
    size_t got = 0;
    int result;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[0] = '"';
    text[sizeof(text) - 2] = '"';
    while ((result = send_text(text)) >= 0) {
        sent++;
        pressed += result == COH_NODE_PRESSURE;
    }
    assert_int_equal(result, -ENOBUFS);
    assert_true(pressed > 100 && pressed < sent);
    while (got < sent * sizeof(text)) {
        static char sink[128 * 1024];
        ssize_t some = recv(peer.theirs, sink, sizeof(sink), MSG_DONTWAIT);

        got += some < 0 ? 0 : (size_t)some;
        node_peer_run(&peer);
    }
    assert_told("drained\n");
    assert_int_equal(send_text("1"), 0);
    assert_int_equal(node_peer_expect(&peer, "1\n"), 0);
}

static void
test_too_long_a_message_is_not_sent(void **state)
{
    char *text = malloc(COH_NODE_LINE_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', COH_NODE_LINE_MAX + 1);
    text[0] = '1';
    text[COH_NODE_LINE_MAX + 1] = '\0';
    assert_int_equal(send_text(text), -EMSGSIZE);
    text[COH_NODE_LINE_MAX - 8] = '\0';
    assert_int_equal(send_fd(text, false, false, 0), -EMSGSIZE);
    free(text);
}

/* A peer that floods and reads nothing is cut off. */
static void
test_unread_acknowledgements_are_bounded(void **state)
{
    char flood[64 * 1024] = "";
    size_t size = strlen(HANDLE("net.Native", "1"));

    (void)state;
    for (size_t i = 0; i + size < sizeof(flood); i += size) {
        strcpy(flood + i, HANDLE("net.Native", "1"));
    }
    for (int i = 0; i < 10000 && channel.fd >= 0; i++) {
        send(
            peer.theirs, flood, sizeof(flood) / size * size,
            MSG_DONTWAIT | MSG_NOSIGNAL);
        node_peer_run(&peer);
    }
    assert_told("gone\n");
    assert_logged("comes faster than it reads what we answer");
}

static void
test_gone(void **state)
{
    (void)state;
    node_peer_write(&peer, "1\n2", -1);
    assert_int_equal(send_text("3"), 0); /* never read: a reset for us */
    close(peer.theirs);
    peer.theirs = -1;
    assert_told("user 1\ngone\n");
    assert_int_equal(send_text("1"), -EPIPE);
    assert_logged(NULL);
}

static void
test_freed_by_its_handler(void **state)
{
    (void)state;
    frees_channel = true;
    node_peer_write(&peer, HANDLE("net.Native", "1") "2\n", peer.theirs);
    assert_told("user 1 +1\n");
    assert_int_equal(node_peer_expect(&peer, ACK), 0);
    assert_true(node_peer_is_closed(&peer));
}

static void
test_left_when_all_is_sent(void **state)
{
    (void)state;
    assert_int_equal(send_fd("1", false, false, 1), 0);
    assert_int_equal(send_text("2"), 0);
    coh_node_channel_leave(&channel);
    assert_int_equal(send_text("3"), -EPIPE);
    node_peer_write(&peer, "0\n" HANDLE("net.Native", "4"), peer.theirs);
    assert_told("");
    assert_int_equal(
        node_peer_expect(&peer, HANDLE("net.Socket", "1") NACK), 1);
    node_peer_write(&peer, ACK, -1);
    assert_told("gone\n");
    assert_int_equal(node_peer_expect(&peer, "2\n"), 0);
    assert_true(node_peer_is_closed(&peer));
}

static void
test_left_at_once(void **state)
{
    (void)state;
    coh_node_channel_leave(&channel);
    assert_string_equal(record, "");
    assert_told("gone\n");
    coh_node_channel_leave(&channel);
    assert_told("");
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_any_value_is_a_message),
        TEST(test_internal_messages_are_apart),
        TEST(test_lines_split_anywhere),
        TEST(test_a_turn_is_bounded),
        cmocka_unit_test(test_malformed_lines_close),
        TEST(test_too_long_a_line_closes),
        TEST(test_a_descriptor_comes_with_its_line),
        TEST(test_a_descriptor_nobody_keeps_is_closed),
        TEST(test_a_descriptor_behind_other_lines),
        TEST(test_a_line_without_its_descriptor),
        TEST(test_descriptors_without_their_line),
        TEST(test_two_descriptors_with_one_line),
        TEST(test_no_room_for_a_descriptor),
        TEST(test_sent_in_order),
        TEST(test_a_long_line_goes_as_fast_as_it_is_read),
        TEST(test_later_messages_wait_for_the_ack),
        TEST(test_pipelined_ones_do_not_wait),
        TEST(test_sent_again_after_a_nack),
        TEST(test_udp_socket_says_its_family),
        TEST(test_pressure),
        TEST(test_too_long_a_message_is_not_sent),
        TEST(test_unread_acknowledgements_are_bounded),
        TEST(test_gone),
        TEST(test_freed_by_its_handler),
        TEST(test_left_when_all_is_sent),
        TEST(test_left_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
