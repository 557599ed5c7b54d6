/* Access logs: formats, escapes, conditions, where lines go. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/str.h"
#include "http/log_escape.h"
#include "http/log_sink.h"
#include "tests/http/ask.h"
#include "tests/http/read.h"

/* --- escapes -------------------------------------------------------------- */

static void
expect_default(const char *value, const char *escaped)
{
    char out[512];

    *coh_log_escape_default(out, cohort_str(value)) = '\0';
    assert_string_equal(out, escaped);
}

static void
expect_json(const char *value, const char *escaped)
{
    char out[512];

    *coh_log_escape_json(out, cohort_str(value)) = '\0';
    assert_string_equal(out, escaped);
}

static void
test_escapes(void **state)
{
    (void)state;
    expect_default("", "-");
    expect_default("plain", "plain");
    expect_default("exactly8", "exactly8");
    expect_default("longer than eight bytes", "longer than eight bytes");
    expect_default("a\"b\\c", "a\\x22b\\x5Cc");
    expect_default("\n\t\x1f ~", "\\x0A\\x09\\x1F ~");
    expect_default("\x7f\x80\xff", "\\x7F\\x80\\xFF");
    expect_default("1234567\xe4", "1234567\\xE4");
    expect_default(
        "\x01"
        "1234567",
        "\\x011234567");
    expect_json("", "");
    expect_json("a\"b\\c/", "a\\\"b\\\\c/");
    expect_json("\n\r\t\b\f\x01", "\\n\\r\\t\\b\\f\\u0001");
    expect_json("\xc3\xa4", "\xc3\xa4");
}

/* Every byte at every place of a word. */
static void
test_escape_of_every_byte(void **state)
{
    char value[9] = "aaaaaaaa";
    char out[64];
    int byte;
    int place;

    (void)state;
    for (byte = 1; byte < 256; byte++) {
        bool is_plain =
            byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

        for (place = 0; place < 8; place++) {
            size_t size;

            value[place] = (char)byte;
            size =
                (size_t)(coh_log_escape_default(out, cohort_str(value)) - out);
            assert_int_equal(size, is_plain ? 8 : 11);
            value[place] = 'a';
        }
    }
}

/* --- lines ---------------------------------------------------------------- */

static struct harness *harness;

static int
setup(void **state)
{
    (void)state;
    harness = harness_new(
        "log_format short '$request_method $uri $status';"
        "log_format json escape=json '{\"agent\":\"$http_user_agent\"}';"
        "log_format raw escape=none \"$http_user_agent|\" \"$arg_none|\";"
        "log_format sizes \"$body_bytes_sent $bytes_sent $request_length\";"
        "log_format sent '$sent_http_content_type $sent_http_content_length "
        "$sent_http_connection';"
        "access_log /combined;"
        "server { listen 127.0.0.1:8123;"
        " location / { return 200 hello; }"
        " location /off { access_log off; return 200 x; }"
        " location /short { access_log /short short; return 200 x; }"
        " location /two { access_log /short short;"
        "  access_log /second short flush=5m; return 200 x; }"
        " location /json { access_log /json json; return 200 x; }"
        " location /raw { access_log /raw raw; return 200 x; }"
        " location /sent { access_log /sent sent; return 200 123; }"
        " location /sizes { access_log /sizes sizes; return 200 12345; }"
        " location /if { access_log /if short if=$arg_log; return 200 x; } }");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    return 0;
}

static void
test_combined(void **state)
{
    const char *text;

    (void)state;
    ask(harness, "/a?b=c",
        "Referer: http://from/\r\nUser-Agent: test \"x\"\r\n"
        "Authorization: Basic am9lOnNlY3JldA==\r\n");
    ask(harness, "/", "");
    text = harness_file(harness, "/combined");
    assert_true(strncmp(text, "127.0.0.1 - joe [", 17) == 0);
    expect_has(
        text,
        "] \"GET /a?b=c HTTP/1.1\" 200 5 \"http://from/\" "
        "\"test \\x22x\\x22\"\n127.0.0.1 - - [");
    expect_has(text, "] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
}

static void
test_bad_request(void **state)
{
    const char *text;

    (void)state;
    ask_raw(harness, "nonsense\r\n");
    text = harness_file(harness, "/combined");
    expect_has(text, "\" 400 ");
}

static void
test_formats(void **state)
{
    (void)state;
    ask(harness, "/short/%41", "");
    ask(harness, "/two", "");
    assert_string_equal(
        harness_file(harness, "/short"), "GET /short/A 200\nGET /two 200\n");
    assert_string_equal(harness_file(harness, "/second"), "GET /two 200\n");
    ask(harness, "/json", "User-Agent: a\"b\r\n");
    assert_string_equal(
        harness_file(harness, "/json"), "{\"agent\":\"a\\\"b\"}\n");
    ask(harness, "/raw", "User-Agent: a\"b\r\n");
    assert_string_equal(harness_file(harness, "/raw"), "a\"b||\n");
}

static void
test_sizes(void **state)
{
    const char *answer = ask(harness, "/sizes", "");
    char expected[64];
    size_t request_size = strlen(
        "GET /sizes HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");

    (void)state;
    snprintf(
        expected, sizeof(expected), "5 %zu %zu\n", strlen(answer),
        request_size);
    assert_string_equal(harness_file(harness, "/sizes"), expected);
}

/* Also of an answer that was rendered at load. */
static void
test_sent_fields(void **state)
{
    (void)state;
    ask(harness, "/sent", "");
    assert_string_equal(harness_file(harness, "/sent"), "text/plain 3 close\n");
}

/* Nobody gets it, but who looks for those that were sent away. */
static void
test_closed_without_an_answer(void **state)
{
    struct harness *closing =
        harness_new("log_format sizes '$status $bytes_sent';"
                    "access_log /combined; access_log /sizes sizes;"
                    "server { listen 127.0.0.1:8123; return 444; }");

    (void)state;
    assert_string_equal(ask(closing, "/", ""), "");
    expect_has(
        harness_file(closing, "/combined"),
        "] \"GET / HTTP/1.1\" 444 0 \"-\" \"-\"\n");
    assert_string_equal(harness_file(closing, "/sizes"), "444 0\n");
    harness_free(closing);
}

static void
test_off_and_if(void **state)
{
    (void)state;
    ask(harness, "/if", "");
    ask(harness, "/if?log=0", "");
    ask(harness, "/if?log=1", "");
    assert_string_equal(harness_file(harness, "/if"), "GET /if 200\n");
    ask(harness, "/off/me", "");
    expect_lacks(harness_file(harness, "/combined"), "/off/me");
}

static void
test_long_line_is_cut(void **state)
{
    char fields[7000];
    const char *text;
    size_t size;

    (void)state;
    memset(fields, '\\', sizeof(fields));
    memcpy(fields, "User-Agent: long", 16);
    memcpy(fields + sizeof(fields) - 3, "\r\n", 3);
    ask(harness, "/long", fields);
    text = strstr(harness_file(harness, "/combined"), "GET /long");
    assert_non_null(text);
    size = strcspn(text, "\n");
    assert_true(size > 4 * 2000 && size < 32768);
    assert_string_equal(text + size, "\n");
}

/* Sends target, Referer, User-Agent and user so; the line of it. */
static char *
long_line(struct harness *of, const char *const values[4])
{
    static char text[40000];
    int fd = harness_connect_tcp(of);
    int size = snprintf(
        text, sizeof(text),
        "GET %s HTTP/1.1\r\nHost: a\r\nReferer: %s\r\nUser-Agent: %s\r\n"
        "Authorization: Basic %s\r\nConnection: close\r\n\r\n",
        values[0], values[1], values[2], values[3]);

    assert_true((size_t)size < sizeof(text));
    expect_status(harness_exchange(of, fd, text, (size_t)size), 200);
    close(fd);
    snprintf(text, sizeof(text), "%s", harness_file(of, "/combined"));
    return text;
}

static struct harness *
with_combined_log(void)
{
    return harness_new("access_log /combined; large_client_header_buffers 4 8k;"
                       "server { listen 127.0.0.1:8123; return 200 x; }");
}

/* What has room in the line is there, however long one value is. */
static void
test_long_values_are_whole(void **state)
{
    static char target[7501] = "/";
    static char expected[9000];
    struct harness *of = with_combined_log();
    const char *const values[] = {target, "http://from/", "me", "am9lOg=="};
    const char *line;

    (void)state;
    memset(target + 1, 'x', sizeof(target) - 2);
    line = long_line(of, values);
    snprintf(
        expected, sizeof(expected),
        "] \"GET %s HTTP/1.1\" 200 1 \"http://from/\" \"me\"\n", target);
    expect_has(line, expected);
    expect_has(line, " - joe [");
    harness_free(of);
}

/* At the next quotes, which end a value. */
static char *
value_end(char *value)
{
    char *end = strchr(value, '"');

    assert_non_null(end);
    *end = '\0';
    return end + 1;
}

/* Of four that are long, each has its share. */
static void
test_no_value_hides_another(void **state)
{
    static char byte[7001];
    static char target[7001] = "/";
    static char user[7001]; /* the same byte, and a colon behind it */
    struct harness *of = with_combined_log();
    const char *const values[] = {target, byte, byte, user};
    char *line;
    char *value;

    (void)state;
    memset(byte, '\\', sizeof(byte) - 1);
    memset(target + 1, '\\', sizeof(target) - 2);
    for (size_t i = 0; i < sizeof(user) - 1; i++) {
        user[i] = "XFxc"[i % 4];
    }
    memcpy(user + sizeof(user) - 5, "XFw6", 4);
    line = long_line(of, values);
    assert_true(strlen(line) > 30000 && strlen(line) < 32768);
    assert_string_equal(line + strcspn(line, "\n"), "\n");
    value = strchr(line, '"') + 1;
    assert_true(value - line > 4 * 2000); /* the user */
    for (int i = 0; i < 3; i++) {
        char *end = value_end(value);

        assert_true(strlen(value) > 4 * 2000);
        value = end + strcspn(end, "\"") + 1;
    }
    harness_free(of);
}

/* A full buffer is written before anybody asks; one flush writes each line
   once. */
static void
test_buffer(void **state)
{
    struct harness *small = harness_new(
        "log_format uri $uri; access_log /small uri buffer=10;"
        "server { listen 127.0.0.1:8123; location / { return 200 x; } }");

    (void)state;
    ask(small, "/1234", "");
    ask(small, "/5678", "");
    ask(small, "/9", "");
    assert_string_equal(harness_file(small, "/small"), "/1234\n/5678\n/9\n");
    assert_string_equal(harness_file(small, "/small"), "/1234\n/5678\n/9\n");
    harness_free(small);
}

/* What a file's buffer is may be said later than its name. */
static void
test_a_buffer_that_is_said_later(void **state)
{
    struct reading *reading = read_http(
        "access_log /tmp/cohort-test-a; server { listen 81;"
        " access_log /tmp/cohort-test-a combined buffer=32k;"
        " location /a { access_log /tmp/cohort-test-a; }"
        " location /b { access_log /tmp/cohort-test-a combined buffer=32k; } }");
    const struct coh_log_sink *sink;

    (void)state;
    assert_string_equal(reading->told, "");
    sink = reading->block->log_sinks;
    assert_null(sink->next);
    assert_int_equal(sink->buffer_size, 32768);
    assert_int_equal(sink->flush_ms, 1000);
    read_free(reading);
}

/* Off is off, whatever else stands in the same block; a block inside may have
   logs of its own. */
static void
test_off_beside_others(void **state)
{
    struct harness *of = harness_new(
        "log_format uri $uri; server { listen 127.0.0.1:8123;"
        " location /before { access_log off; access_log /a uri;"
        "  return 200 x; location /before/in { return 200 x; }"
        "  location /before/own { access_log /a uri; return 200 x; } }"
        " location /behind { access_log /a uri; access_log off;"
        "  return 200 x; } }");

    (void)state;
    ask(of, "/before", "");
    ask(of, "/before/in", "");
    ask(of, "/before/own", "");
    ask(of, "/behind", "");
    assert_string_equal(harness_file(of, "/a"), "/before/own\n");
    harness_free(of);
}

/* Without any access_log the log is on. */
static void
test_default(void **state)
{
    struct harness *plain = harness_new(
        "server { listen 127.0.0.1:8123; location / { return 200 x; }"
        " location /off { access_log off; return 200 x; } }");

    (void)state;
    ask(plain, "/off", "");
    ask(plain, "/logged", "");
    expect_has(
        harness_file(plain, "/tmp/" COHORT_HTTP_LOG_PATH),
        "\"GET /logged HTTP/1.1\"");
    expect_lacks(harness_file(plain, "/tmp/" COHORT_HTTP_LOG_PATH), "/off");
    harness_free(plain);
}

static void
test_bad(void **state)
{
    (void)state;
    expect_told("access_log /x none;", "unknown log format \"none\"");
    expect_told("access_log /x combined buffer=0;", "invalid buffer size");
    expect_told("access_log /x combined flush=x;", "invalid flush time");
    expect_told("access_log /x combined gzip;", "is not built into");
    expect_told("access_log /x combined nope=1;", "invalid parameter");
    expect_told("access_log syslog:server=x;", "syslog is not built");
    expect_told("access_log /$uri;", "variables in the name of a log");
    expect_told("access_log off combined;", "off takes no parameters");
    expect_told(
        "access_log /x combined buffer=1k; server { access_log /x combined "
        "buffer=2k; }",
        "conflicting parameters");
    expect_told("log_format a b; log_format a c;", "duplicate \"log_format\"");
    expect_told("log_format combined b;", "duplicate \"log_format\"");
    expect_told("log_format a escape=x b;", "unknown log format escaping");
    expect_told("log_format a $zzz;", "unknown \"zzz\" variable");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_escape_of_every_byte),
        cmocka_unit_test(test_combined),
        cmocka_unit_test(test_bad_request),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sent_fields),
        cmocka_unit_test(test_closed_without_an_answer),
        cmocka_unit_test(test_off_and_if),
        cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_long_values_are_whole),
        cmocka_unit_test(test_no_value_hides_another),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_a_buffer_that_is_said_later),
        cmocka_unit_test(test_off_beside_others),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
