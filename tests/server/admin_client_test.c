/* The client of the admin socket: what it sends, and what it takes from servers
   that answer well, badly or not at all. */
#include "server/admin/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/core/test.h"

/* A server for one connection. */
struct server {
    char folder[64];
    char path[96];
    int listener;
    const char *answer;
    size_t piece; /* sent at a time */
    char request[1024];
    pthread_t thread;
};

static void *
serve(void *user)
{
    struct server *server = user;
    int fd = accept(server->listener, NULL, NULL);
    size_t size = strlen(server->answer);
    ssize_t got = recv(fd, server->request, sizeof(server->request) - 1, 0);

    server->request[got > 0 ? got : 0] = '\0';
    for (size_t at = 0; at < size; at += server->piece) {
        size_t piece = size - at < server->piece ? size - at : server->piece;

        if (send(fd, server->answer + at, piece, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    close(fd);
    return NULL;
}

static struct sockaddr_un
open_listener(struct server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(server->folder, "/tmp/cohort-client-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    snprintf(server->path, sizeof(server->path), "%s/s", server->folder);
    strcpy(address.sun_path, server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(server->listener, (struct sockaddr *)&address, sizeof(address)),
        0);
    assert_int_equal(listen(server->listener, 1), 0);
    return address;
}

static void
close_listener(struct server *server)
{
    close(server->listener);
    unlink(server->path);
    rmdir(server->folder);
}

static void
start(struct server *server, const char *answer, size_t piece)
{
    server->answer = answer;
    server->piece = piece;
    open_listener(server);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close_listener(server);
}

/* --- whole answers -------------------------------------------------------- */

static void
test_request_and_answer(void **state)
{
    struct server server;
    struct coh_client_answer answer;

    (void)state;
    start(
        &server,
        "HTTP/1.1 201 Created\r\ncontent-length: 5\r\nX: y\r\n\r\nhello", 3);
    assert_int_equal(
        coh_client_ask(server.path, "POST", "/v1/x", "{\"a\":1}", &answer), 0);
    stop(&server);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer.size, 5);
    assert_string_equal(answer.body, "hello");
    assert_non_null(strstr(server.request, "POST /v1/x HTTP/1.0\r\n"));
    assert_non_null(strstr(server.request, "Content-Length: 7\r\n"));
    assert_non_null(strstr(server.request, "\r\n\r\n{\"a\":1}"));
    coh_client_answer_fini(&answer);
}

static void
test_a_body_without_length_lasts_to_the_end(void **state)
{
    struct server server;
    struct coh_client_answer answer;

    (void)state;
    start(&server, "HTTP/1.0 200 OK\r\n\r\nall of it", 100);
    assert_int_equal(coh_client_ask(server.path, "GET", "/", NULL, &answer), 0);
    stop(&server);
    assert_string_equal(answer.body, "all of it");
    coh_client_answer_fini(&answer);
}

static void
refuse(const char *text)
{
    struct server server;
    struct coh_client_answer answer;

    start(&server, text, 100);
    assert_int_equal(
        coh_client_ask(server.path, "GET", "/", NULL, &answer), -EPROTO);
    stop(&server);
    coh_client_answer_fini(&answer);
}

static void
test_what_is_no_answer_is_refused(void **state)
{
    (void)state;
    refuse("");
    refuse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n");
    refuse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    refuse("SSH-2.0-x\r\n\r\n");
    refuse("HTTP/1.1 abc\r\n\r\n");
}

static void
test_nobody_there(void **state)
{
    struct coh_client_answer answer;
    char path[200];

    (void)state;
    assert_int_equal(
        coh_client_ask("/nowhere/s", "GET", "/", NULL, &answer), -ENOENT);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(
        coh_client_ask(path, "GET", "/", NULL, &answer), -ENAMETOOLONG);
}

/* Nobody takes what is in its queue, and there is no room for more. */
static void
test_a_queue_that_is_full_is_not_waited_for_without_end(void **state)
{
    struct server server;
    struct sockaddr_un address = open_listener(&server);
    struct coh_client_answer answer;
    int waiting[16];
    int count = 0;

    (void)state;
    do {
        assert_true(count < 16);
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    } while (connect(
                 waiting[count++], (struct sockaddr *)&address,
                 sizeof(address)) == 0);
    assert_int_equal(errno, EAGAIN);
    alarm(30); /* else it is for ever */
    assert_int_equal(
        coh_client_ask(server.path, "POST", "/v1/reload", NULL, &answer),
        -ETIMEDOUT);
    alarm(0);
    while (count-- > 0) {
        close(waiting[count]);
    }
    close_listener(&server);
}

/* --- lines ---------------------------------------------------------------- */

struct seen {
    char text[256];
    int stop_after;
};

static int
on_line(const char *line, size_t size, void *user)
{
    struct seen *seen = user;

    assert_int_equal(strlen(line), size);
    strcat(seen->text, line);
    strcat(seen->text, "|");
    return --seen->stop_after == 0 ? -ECANCELED : 0;
}

static void
follow(size_t piece, int stop_after, int result, const char *text)
{
    struct server server;
    struct coh_client_answer answer;
    struct seen seen = {.stop_after = stop_after};

    start(&server, "HTTP/1.1 200 OK\r\n\r\none\ntwo\n\nfour\nrest", piece);
    assert_int_equal(
        coh_client_follow(server.path, "/v1/events", on_line, &seen, &answer),
        result);
    stop(&server);
    assert_string_equal(seen.text, text);
    assert_null(answer.body);
}

static void
test_lines_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 45; piece += 4) {
        follow(piece, 0, 0, "one|two||four|");
    }
    follow(100, 2, -ECANCELED, "one|two|");
}

static void
test_an_error_is_no_line(void **state)
{
    struct server server;
    struct coh_client_answer answer;
    struct seen seen = {0};

    (void)state;
    start(&server, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nno\n", 100);
    assert_int_equal(
        coh_client_follow(server.path, "/", on_line, &seen, &answer), 0);
    stop(&server);
    assert_int_equal(answer.status, 403);
    assert_string_equal(answer.body, "no\n");
    assert_string_equal(seen.text, "");
    coh_client_answer_fini(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_a_body_without_length_lasts_to_the_end),
        cmocka_unit_test(test_what_is_no_answer_is_refused),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(
            test_a_queue_that_is_full_is_not_waited_for_without_end),
        cmocka_unit_test(test_lines_come_whole_however_they_are_cut),
        cmocka_unit_test(test_an_error_is_no_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
