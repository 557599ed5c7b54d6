/* How bytes leave: sendfile, sendfile_max_chunk, tcp_nodelay; what is logged of
   those that do not. */
#include "tests/core/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/socket.h"
#include "http/connection.h"
#include "http/modules/handler.h"
#include "tests/http/harness.h"

#define FILE_SIZE 1000000
#define CHUNK 100000

static char folder[] = "/tmp/cohort-sending-XXXXXX";
static char path[64];
static struct harness *harness;

static int
answer_from_memory(struct cohort_request *request, void *user)
{
    static const char memory[FILE_SIZE];

    (void)user;
    return cohort_respond(request, 200, NULL, memory, sizeof(memory));
}

static int
give(struct cohort_request *request, size_t room, void *user)
{
    static const char part[32768];

    (void)user;
    cohort_write(request, part, room < sizeof(part) ? room : sizeof(part));
    return COHORT_LATER;
}

static int
answer_by_stream(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_stream(request, 200, NULL, FILE_SIZE, give, NULL);
}

static int
answer_more(struct cohort_request *request, void *user)
{
    static const char memory[50000];

    (void)user;
    return cohort_respond(request, 200, NULL, memory, sizeof(memory));
}

static int
give_and_fail(struct cohort_request *request, size_t room, void *user)
{
    give(request, room, user);
    return 500;
}

static int
answer_and_abort(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_stream(
        request, 200, NULL, FILE_SIZE, give_and_fail, NULL);
}

static const struct coh_handler handlers[] = {
    {answer_from_memory, NULL},
    {answer_by_stream, NULL},
    {answer_more, NULL},
    {answer_and_abort, NULL},
};

static void
write_file(const char *name)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    for (int i = 0; i < FILE_SIZE; i++) {
        fputc('a' + i % 23, file);
    }
    fclose(file);
}

static int
setup(void **state)
{
    char text[2048];

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as workers do: sendfile has no flag for it */
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    write_file(path);
    coh_handlers_set(handlers, sizeof(handlers) / sizeof(handlers[0]));
    snprintf(
        text, sizeof(text),
        "log_format sizes '$bytes_sent $body_bytes_sent';"
        "access_log off; server { listen 127.0.0.1:8124;"
        " location /kernel/ { alias %s/; sendfile_max_chunk 100000; }"
        " location /copied/ { alias %s/; sendfile_max_chunk 100000;"
        "  sendfile off; }"
        " location /whole/ { alias %s/; sendfile_max_chunk 0;"
        "  access_log /sent sizes; }"
        " location /memory { handler 0; access_log /sent sizes; }"
        " location /stream { handler 1; access_log /sent sizes; }"
        " location /more { handler 2; }"
        " location /aborted { handler 3; access_log /sent sizes; }"
        " location = /delayed { tcp_nodelay off; return 200 x; }"
        " location = /plain { return 200 x; } }",
        folder, folder, folder);
    harness = harness_new(text);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    coh_handlers_set(NULL, 0);
    unlink(path);
    return rmdir(folder);
}

static void
send_request(int fd, const char *target)
{
    char text[100];
    int size = snprintf(
        text, sizeof(text), "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", target);

    assert_int_equal(send(fd, text, (size_t)size, 0), size);
}

/* One wait of the loop and the callbacks of it: bytes that were sent. */
static uint64_t
one_turn(void)
{
    uint64_t before = harness_counter(harness, COH_COUNT_BYTES_SENT);

    event_base_loop(harness_loop(harness)->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    return harness_counter(harness, COH_COUNT_BYTES_SENT) - before;
}

/* What the client has now, of a response to its end. */
static size_t
take(int fd, char *out, size_t room)
{
    size_t size = 0;
    ssize_t got;

    while ((got = recv(fd, out + size, room - size, MSG_DONTWAIT)) > 0) {
        size += (size_t)got;
    }
    return size;
}

static void
expect_chunks(const char *target)
{
    static char answer[FILE_SIZE + 1000];
    int fd = harness_connect_tcp(harness);
    size_t size = 0;
    const char *body;

    send_request(fd, target);
    assert_int_equal(one_turn(), CHUNK);
    for (int i = 0; i < 1000 && size < FILE_SIZE; i++) {
        size += take(fd, answer + size, sizeof(answer) - 1 - size);
        assert_true(one_turn() <= CHUNK);
    }
    size += take(fd, answer + size, sizeof(answer) - 1 - size);
    answer[size] = '\0';
    body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    body += 4;
    assert_int_equal(strlen(body), FILE_SIZE);
    for (int i = 0; i < FILE_SIZE; i++) {
        assert_true(body[i] == 'a' + i % 23);
    }
    close(fd);
}

static void
test_chunk(void **state)
{
    (void)state;
    expect_chunks("/kernel/file");
}

static void
test_chunk_of_copies(void **state)
{
    (void)state;
    expect_chunks("/copied/file");
}

static void
test_no_chunk(void **state)
{
    int fd = harness_connect_tcp(harness);

    (void)state;
    send_request(fd, "/whole/file");
    assert_true(one_turn() > CHUNK);
    close(fd);
}

/* --- tcp_nodelay ---------------------------------------------------------- */

static int
nodelay_after(int client, int fd, const char *target)
{
    char answer[1000];
    int value = -1;
    socklen_t size = sizeof(value);

    send_request(client, target);
    harness_turn(harness);
    assert_true(take(client, answer, sizeof(answer)) > 0);
    assert_int_equal(
        getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    return value != 0;
}

static void
test_nodelay(void **state)
{
    int client = harness_connect_tcp(harness);
    const struct coh_connection *connection =
        TAILQ_LAST(&harness_http(harness)->connections, coh_connection_list);
    int fd = connection->stream.fd;

    (void)state;
    /* As it comes from our listeners. */
    assert_int_equal(coh_socket_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    assert_int_equal(nodelay_after(client, fd, "/plain"), 1);
    assert_int_equal(nodelay_after(client, fd, "/delayed"), 0);
    assert_int_equal(nodelay_after(client, fd, "/delayed"), 0);
    assert_int_equal(nodelay_after(client, fd, "/plain"), 1);
    assert_int_equal(nodelay_after(client, fd, "/delayed"), 0);
    close(client);
}

static void
test_nodelay_of_unix_sockets(void **state)
{
    static const char request[] = "GET /delayed HTTP/1.1\r\nHost: test\r\n\r\n";
    int client = harness_connect(harness);

    (void)state;
    assert_non_null(strstr(
        harness_exchange(harness, client, request, sizeof(request) - 1),
        "HTTP/1.1 200 OK\r\n"));
    close(client);
}

/* --- what does not go out ------------------------------------------------- */

static const char *
last_line(const char *text)
{
    const char *line = text;

    for (; *text != '\0'; text++) {
        if (text[0] == '\n' && text[1] != '\0') {
            line = text + 1;
        }
    }
    return line;
}

/* A client takes the beginning alone, and goes or waits. */
static void
expect_logged_as_sent(const char *target, bool is_leaving)
{
    uint64_t before = harness_counter(harness, COH_COUNT_BYTES_SENT);
    size_t open_count = harness_open_count(harness);
    int fd = harness_connect(harness);
    char expected[64];
    char part[1001];
    uint64_t sent;
    const char *body;

    send_request(fd, target);
    harness_turn(harness);
    part[take(fd, part, sizeof(part) - 1)] = '\0';
    body = strstr(part, "\r\n\r\n");
    assert_non_null(body);
    if (is_leaving) {
        close(fd);
        harness_turn(harness);
    } else {
        harness_pass(harness, 60000);
        close(fd);
    }
    assert_int_equal(harness_open_count(harness), open_count);
    sent = harness_counter(harness, COH_COUNT_BYTES_SENT) - before;
    assert_true(sent > 0 && sent < FILE_SIZE);
    snprintf(
        expected, sizeof(expected), "%llu %llu\n", (unsigned long long)sent,
        (unsigned long long)sent - (size_t)(body + 4 - part));
    assert_string_equal(last_line(harness_file(harness, "/sent")), expected);
}

static void
test_what_is_not_sent_is_not_logged(void **state)
{
    static const char *const targets[] = {"/whole/file", "/memory", "/stream"};

    (void)state;
    harness_turn(harness); /* for those that have gone */
    (void)harness_log(harness);
    for (size_t i = 0; i < 3; i++) {
        expect_logged_as_sent(targets[i], true);
        expect_logged_as_sent(targets[i], false);
    }
    assert_null(strstr(harness_log(harness), "cannot send"));
}

/* It stands in the batch, behind an answer that the socket does not take. */
static void
test_what_an_aborted_answer_leaves_is_not_logged(void **state)
{
    static const char requests[] =
        "GET /more HTTP/1.1\r\nHost: test\r\n\r\n"
        "GET /aborted HTTP/1.1\r\nHost: test\r\n\r\n";
    size_t open_count = harness_open_count(harness);
    int fd = harness_connect(harness);
    const struct coh_connection *connection =
        TAILQ_LAST(&harness_http(harness)->connections, coh_connection_list);
    int size = 1;

    (void)state;
    assert_int_equal(
        setsockopt(
            connection->stream.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
        0);
    assert_int_equal(
        send(fd, requests, sizeof(requests) - 1, 0), sizeof(requests) - 1);
    harness_turn(harness);
    assert_int_equal(harness_open_count(harness), open_count);
    assert_string_equal(last_line(harness_file(harness, "/sent")), "0 0\n");
    close(fd);
}

static void
expect_told_shorter(const char *target)
{
    int fd = harness_connect(harness);

    write_file(path);
    send_request(fd, target);
    harness_turn(harness);
    assert_int_equal(truncate(path, 1000), 0);
    (void)harness_log(harness);
    assert_true(harness_is_closed(harness, fd));
    assert_non_null(strstr(
        harness_log(harness),
        "cannot send the rest of a file: it has become shorter; replace files "
        "by renaming new ones over them"));
    close(fd);
}

static void
test_a_file_that_shrinks_is_told(void **state)
{
    (void)state;
    expect_told_shorter("/kernel/file");
    expect_told_shorter("/copied/file");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk),
        cmocka_unit_test(test_chunk_of_copies),
        cmocka_unit_test(test_no_chunk),
        cmocka_unit_test(test_nodelay),
        cmocka_unit_test(test_nodelay_of_unix_sockets),
        cmocka_unit_test(test_what_is_not_sent_is_not_logged),
        cmocka_unit_test(test_what_an_aborted_answer_leaves_is_not_logged),
        cmocka_unit_test(test_a_file_that_shrinks_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
