/* Rendered answers: what is known of them when they are logged, and when there
   may be one. */
#include "tests/core/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/module/file.h>

#include "http/modules/handler.h"
#include "tests/http/ask.h"

#define FILE_SIZE 16000

static char folder[] = "/tmp/cohort-rendered-XXXXXX";
static char path[64];
static struct harness *harness;

static int
answer_with_own_type(struct cohort_request *request, void *user)
{
    int verdict;

    (void)user;
    cohort_response_header(
        request, cohort_str("Content-Type"), cohort_str("text/x-own"));
    return cohort_respond_file(request, cohort_str(path), &verdict) < 0
        ? 500
        : verdict;
}

static const struct coh_handler handlers[] = {{answer_with_own_type, NULL}};

static int
setup(void **state)
{
    static char content[FILE_SIZE];
    char text[2048];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, sizeof(content), file), FILE_SIZE);
    fclose(file);
    coh_handlers_set(handlers, 1);
    snprintf(
        text, sizeof(text),
        "log_format fields escape=none '$sent_http_x_one|$sent_http_etag|"
        "$sent_http_last_modified|$sent_http_none';"
        "access_log off; server { listen 127.0.0.1:8123; add_header X-One 1;"
        " location = /constant { access_log /constant fields; return 200 x; }"
        " location /one/ { alias %s/; access_log /one fields; }"
        " location /two/ { alias %s/; access_log /two fields; }"
        " location = /own { handler 0; } }",
        folder, folder);
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
test_fields_of_a_constant(void **state)
{
    (void)state;
    expect_has(ask(harness, "/constant", ""), "X-One: 1\r\n");
    assert_string_equal(harness_file(harness, "/constant"), "1|||\n");
}

/* The value of a field in an answer; in memory that the next call uses. */
static const char *
field_of(const char *answer, const char *name)
{
    static char value[100];
    const char *start = strstr(answer, name);

    assert_non_null(start);
    start += strlen(name) + 2;
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\r"), start);
    return value;
}

static int
expected_line(const char *answer, char *out, size_t size)
{
    int used = snprintf(out, size, "1|%s|", field_of(answer, "ETag"));

    return used +
        snprintf(
               out + used, size - (size_t)used, "%s|\n",
               field_of(answer, "Last-Modified"));
}

/* Rendered, then given again. */
static void
test_fields_of_a_file(void **state)
{
    char expected[400];
    int used = expected_line(
        ask(harness, "/one/file", ""), expected, sizeof(expected) / 2);

    (void)state;
    expected_line(
        ask(harness, "/one/file", ""), expected + used,
        sizeof(expected) - (size_t)used);
    assert_string_equal(harness_file(harness, "/one"), expected);
}

/* So many fill the batch, and the one behind it has to wait. */
#define PIPELINED 6

/* Its client takes it slowly, and meanwhile the file is rendered for another
   location. */
static void
test_fields_outlive_the_answer(void **state)
{
    static const char request[] = "GET /two/file HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = harness_connect(harness);
    const struct coh_connection *connection =
        TAILQ_LAST(&harness_http(harness)->connections, coh_connection_list);
    int size = 1; /* as small as may be */
    char line[200];
    char expected[sizeof(line) * PIPELINED] = "";

    (void)state;
    assert_int_equal(
        setsockopt(
            connection->stream.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
        0);
    for (int i = 0; i < PIPELINED; i++) {
        assert_int_equal(
            send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    }
    harness_turn(harness);
    assert_int_equal(connection->state, COH_CONNECTION_WRITING);
    assert_non_null(connection->request); /* is not logged yet */
    expected_line(ask(harness, "/one/file", ""), line, sizeof(line));
    expect_status(harness_exchange(harness, fd, "", 0), 200);
    for (int i = 0; i < PIPELINED; i++) {
        strcat(expected, line);
    }
    assert_string_equal(harness_file(harness, "/two"), expected);
    close(fd);
    harness_turn(harness);
}

/* A small file is as a large one, first and from memory. */
static void
test_a_type_that_is_set_stays(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        expect_has(ask(harness, "/own", ""), "Content-Type: text/x-own\r\n");
        expect_has(
            ask(harness, "/one/file", ""), "Content-Type: text/plain\r\n");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_a_constant),
        cmocka_unit_test(test_fields_of_a_file),
        cmocka_unit_test(test_fields_outlive_the_answer),
        cmocka_unit_test(test_a_type_that_is_set_stays),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
