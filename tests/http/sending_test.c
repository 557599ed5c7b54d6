/* How bytes leave: sendfile, sendfile_max_chunk, tcp_nodelay. */
#include "tests/core/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/socket.h"
#include "http/connection.h"
#include "tests/http/harness.h"

#define FILE_SIZE 1000000
#define CHUNK 100000

static char folder[] = "/tmp/cohort-sending-XXXXXX";
static char path[64];
static struct harness *harness;

static int
setup(void **state)
{
    char text[1024];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < FILE_SIZE; i++) {
        fputc('a' + i % 23, file);
    }
    fclose(file);
    snprintf(
        text, sizeof(text),
        "access_log off; server { listen 127.0.0.1:8124;"
        " location /kernel/ { alias %s/; sendfile_max_chunk 100000; }"
        " location /copied/ { alias %s/; sendfile_max_chunk 100000;"
        "  sendfile off; }"
        " location /whole/ { alias %s/; sendfile_max_chunk 0; }"
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk),
        cmocka_unit_test(test_chunk_of_copies),
        cmocka_unit_test(test_no_chunk),
        cmocka_unit_test(test_nodelay),
        cmocka_unit_test(test_nodelay_of_unix_sockets),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
