/* Heads and bodies, whole and in pieces. */
#include "tests/core/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "http/h1.h"
#include "http/h1_parser.h"

#define SLOT_COUNT 64
#define TEXT_MAX 4096

static struct coh_header slots[SLOT_COUNT];
static char line_room[2 * TEXT_MAX];
static struct coh_h1_head head = {
    .slots = slots,
    .slot_count = SLOT_COUNT,
    .line_room = line_room,
    .line_room_size = sizeof(line_room),
};

static const char browser[] = "GET /a?b HTTP/1.1\r\n"
                              "Host: example.com\r\n"
                              "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
                              "Accept: */*\r\n"
                              "X-Empty:\r\n"
                              "X_Under:  blanks around \t \r\n"
                              "Connection: keep-alive\r\n"
                              "\r\n";

static void
assert_field(uint32_t index, const char *name, const char *value, int id)
{
    const struct coh_header *slot = &head.slots[index];

    assert_true(coh_str_is(
        cohort_str_n(head.data + slot->name_at, slot->name_size), name));
    assert_true(coh_str_is(
        cohort_str_n(head.data + slot->value_at, slot->value_size), value));
    assert_int_equal(slot->id, id);
}

static void
assert_browser(void)
{
    assert_true(head.is_complete);
    assert_true(coh_str_is(head.line.text, "GET /a?b HTTP/1.1"));
    assert_true(coh_str_is(head.line.method, "GET"));
    assert_true(coh_str_is(head.line.target, "/a?b"));
    assert_int_equal(head.line.version, 11);
    assert_int_equal(head.field_count, 6);
    assert_field(0, "Host", "example.com", COH_HEADER_HOST);
    assert_field(
        1, "User-Agent", "Mozilla/5.0 (X11; Linux x86_64)",
        COH_HEADER_USER_AGENT);
    assert_field(2, "Accept", "*/*", COH_HEADER_ACCEPT);
    assert_field(3, "X-Empty", "", COH_HEADER_OTHER);
    assert_field(4, "X_Under", "blanks around", COH_HEADER_OTHER);
    assert_field(5, "Connection", "keep-alive", COH_HEADER_CONNECTION);
    assert_true(head.has_odd);
    assert_int_equal(head.repeated, 0);
    assert_int_equal(
        head.seen,
        coh_header_bit(COH_HEADER_HOST) |
            coh_header_bit(COH_HEADER_USER_AGENT) |
            coh_header_bit(COH_HEADER_ACCEPT) |
            coh_header_bit(COH_HEADER_CONNECTION));
}

static void
reads_a_head(void **state)
{
    (void)state;
    assert_int_equal(coh_h1_read_head(&head, browser, sizeof(browser) - 1), 0);
    assert_browser();
    assert_int_equal(head.size, sizeof(browser) - 1);
    assert_int_equal(head.skipped, 0);
}

/* With every prefix nothing is wrong and nothing complete; a complete field is
   a true one. */
static void
waits_for_the_rest(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(browser) - 1; size++) {
        char *copy = malloc(size + 1); /* so that reading on is noticed */

        memcpy(copy, browser, size);
        assert_int_equal(coh_h1_read_head(&head, copy, size), 0);
        assert_false(head.is_complete);
        if (head.field_count > 0) {
            assert_field(0, "Host", "example.com", COH_HEADER_HOST);
        }
        free(copy);
    }
}

/* Every line end as a bare LF, and every mixture of two. */
static void
takes_bare_line_feeds(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 256; mask++) {
        char text[TEXT_MAX];
        size_t size = 0;
        unsigned line = 0;

        for (size_t i = 0; i < sizeof(browser) - 1; i++) {
            if (browser[i] == '\r' && (mask >> line++ & 1) != 0) {
                continue;
            }
            text[size++] = browser[i];
        }
        assert_int_equal(coh_h1_read_head(&head, text, size), 0);
        assert_browser();
        assert_int_equal(head.size, size);
        for (size_t part = 0; part < size; part++) {
            assert_int_equal(coh_h1_read_head(&head, text, part), 0);
            assert_false(head.is_complete);
        }
    }
}

static void
skips_empty_lines(void **state)
{
    static const char text[] = "\r\n\n\r\nGET / HTTP/1.0\r\n\r\nrest";

    (void)state;
    assert_int_equal(coh_h1_read_head(&head, text, sizeof(text) - 1), 0);
    assert_true(head.is_complete);
    assert_int_equal(head.skipped, 5);
    assert_int_equal(head.size, 18);
    assert_int_equal(head.line.version, 10);
    assert_int_equal(coh_h1_read_head(&head, "\r\n\r", 3), 0);
    assert_int_equal(head.skipped, 2);
    assert_false(head.is_complete);
}

static void
counts_what_came_twice(void **state)
{
    static const char text[] =
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\nHOST: a\r\n\r\n";

    (void)state;
    assert_int_equal(coh_h1_read_head(&head, text, sizeof(text) - 1), 0);
    assert_int_equal(head.repeated, coh_header_bit(COH_HEADER_HOST));
}

static void
has_slots_for_so_many_fields(void **state)
{
    char text[TEXT_MAX];
    size_t size = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");

    (void)state;
    for (int i = 0; i < SLOT_COUNT; i++) {
        size += (size_t)sprintf(text + size, "A%d: b\r\n", i);
    }
    memcpy(text + size, "\r\n", 2);
    assert_int_equal(coh_h1_read_head(&head, text, size + 2), 0);
    assert_int_equal(head.field_count, SLOT_COUNT);
    memcpy(text + size, "A: b\r\n\r\n", 8);
    assert_int_equal(
        coh_h1_read_head(&head, text, size + 8), COH_RULE_FIELD_COUNT);
}

/* --- bodies --------------------------------------------------------------- */

static const struct {
    const char *head; /* fields that say what the body is */
    const char *body;
    const char *data; /* NULL: refused */
    enum coh_rule rule;
} bodies[] = {
    {"Content-Length: 5", "hello", "hello", 0},
    {"Content-Length: 1", "\n", "\n", 0},
    {"Transfer-Encoding: chunked", "0\r\n\r\n", "", 0},
    {"Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "hello", 0},
    {"Transfer-Encoding: chunked", "005\r\nhello\r\n000\r\n\r\n", "hello", 0},
    {"Transfer-Encoding: chunked", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello",
     0},
    {"Transfer-Encoding: chunked",
     "A\r\n0123456789\r\na\r\n0123456789\r\n"
     "0\r\n\r\n",
     "01234567890123456789", 0},
    {"Transfer-Encoding: chunked", "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
    {"Transfer-Encoding: chunked", "1;a=b\r\nx\r\n0\r\n\r\n", "x", 0},
    {"Transfer-Encoding: chunked", "1;a=\"b\"\r\nx\r\n0\r\n\r\n", "x", 0},
    {"Transfer-Encoding: chunked", "1;a\r\nx\r\n0;b=c\r\n\r\n", "x", 0},
    {"Transfer-Encoding: chunked", "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", "x",
     0},
    {"Transfer-Encoding: chunked", "1\nx\r\n0\r\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1\r\nx\n0\r\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1\r\nx\r\n0\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1\r\nx\r\n0\r\n\n", NULL,
     COH_RULE_CHUNK_LINE_END},
    {"Transfer-Encoding: chunked", "0\r\n\n", NULL, COH_RULE_CHUNK_LINE_END},
    {"Transfer-Encoding: chunked", "0\r\nA: b\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "0\r\nA: b\r\n\n", NULL,
     COH_RULE_CHUNK_LINE_END},
    {"Transfer-Encoding: chunked", "0\r\nA: b\r\n c\r\n\r\n", NULL,
     COH_RULE_CHUNK_LINE_END},
    {"Transfer-Encoding: chunked", "0\r\n A: b\r\n\r\n", NULL,
     COH_RULE_CHUNK_LINE_END},
    {"Transfer-Encoding: chunked", "0\r\nA b\r\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1\r\nxy\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "2\r\nx\r\n0\r\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "-1\r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "0x1\r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", " 1\r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1 \r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "\r\n1\r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "g\r\nx\r\n0\r\n\r\n", NULL, COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "10000000000000000\r\nx", NULL,
     COH_RULE_CHUNK},
    {"Transfer-Encoding: chunked", "1;;\r\nx\r\n0\r\n\r\n", NULL,
     COH_RULE_CHUNK},
};

static const char follower[] = "GET / HTTP/1.1\r\n\r\n";

/* Feed text in parts of step bytes. Returns the rule that was broken first. */
static enum coh_rule
feed(
    struct coh_h1_body *body, const char *text, size_t size, size_t step,
    char *out, size_t *out_size, size_t *taken)
{
    size_t end = 0;

    *out_size = 0;
    *taken = 0;
    while (!body->is_complete && end < size) {
        struct cohort_str input;
        struct cohort_str data;

        end = end + step < size ? end + step : size;
        input = cohort_str_n(text + *taken, end - *taken);
        do {
            enum coh_rule rule = coh_h1_body_next(body, &input, &data);

            if (rule != COH_RULE_NONE) {
                return rule;
            }
            for (size_t i = 0; i < data.size; i++) {
                out[(*out_size)++] = data.data[i];
            }
        } while (data.size > 0);
        *taken = (size_t)(input.data - text);
    }
    return COH_RULE_NONE;
}

static void
check_body(size_t index, size_t step)
{
    char text[TEXT_MAX];
    char out[TEXT_MAX];
    struct coh_h1_body body;
    size_t body_size = strlen(bodies[index].body);
    size_t size;
    size_t taken;
    enum coh_rule rule;

    sprintf(text, "POST / HTTP/1.1\r\n%s\r\n\r\n", bodies[index].head);
    assert_int_equal(coh_h1_read_head(&head, text, strlen(text)), 0);
    assert_true(head.is_complete);
    coh_h1_body_init(&body, &head);
    sprintf(text, "%s%s", bodies[index].body, follower);
    rule = feed(&body, text, strlen(text), step, out, &size, &taken);
    if (bodies[index].data == NULL) {
        /* Which of the two notices first may depend on the split. */
        if (rule != COH_RULE_CHUNK) {
            assert_int_equal(rule, bodies[index].rule);
        }
        return;
    }
    assert_int_equal(rule, COH_RULE_NONE);
    assert_true(body.is_complete);
    assert_int_equal(taken, body_size);
    assert_int_equal(size, strlen(bodies[index].data));
    assert_memory_equal(out, bodies[index].data, size);
}

static void
reads_bodies_in_any_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (size_t step = 1; step <= strlen(bodies[i].body) + 20; step++) {
            check_body(i, step);
        }
    }
}

static void
bounds_what_is_no_data(void **state)
{
    static const char start[] =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    char text[20000] = "1;a=";
    struct coh_h1_body body;
    struct cohort_str input;
    struct cohort_str data;

    (void)state;
    memset(text + 4, 'b', sizeof(text) - 5);
    assert_int_equal(coh_h1_read_head(&head, start, sizeof(start) - 1), 0);
    coh_h1_body_init(&body, &head);
    input = cohort_str(text);
    assert_int_equal(
        coh_h1_body_next(&body, &input, &data), COH_RULE_CHUNK_LINE_SIZE);
    coh_h1_body_init(&body, &head);
    for (size_t i = 0; i < 8192; i++) {
        input = cohort_str_n(text + i, 1);
        assert_int_equal(coh_h1_body_next(&body, &input, &data), 0);
    }
    input = cohort_str_n(text + 8192, 1);
    assert_int_equal(
        coh_h1_body_next(&body, &input, &data), COH_RULE_CHUNK_LINE_SIZE);
}

static const char plain[] = "GET /a?b HTTP/1.1\r\n"
                            "Host: example.com\r\n"
                            "Accept: */*\r\n"
                            "\r\n";

static void
assert_plain(const char *at)
{
    assert_true(head.is_complete);
    assert_ptr_equal(head.data, at);
    assert_int_equal(head.size, sizeof(plain) - 1);
    assert_ptr_equal(head.line.text.data, at);
    assert_ptr_equal(head.line.method.data, at);
    assert_ptr_equal(head.line.target.data, at + 4);
    assert_true(coh_str_is(head.line.target, "/a?b"));
    assert_int_equal(head.field_count, 2);
    assert_field(0, "Host", "example.com", COH_HEADER_HOST);
    assert_field(1, "Accept", "*/*", COH_HEADER_ACCEPT);
}

static void
recognises_a_head(void **state)
{
    char twice[2 * sizeof(plain)];
    const size_t size = sizeof(plain) - 1;

    (void)state;
    memcpy(twice, plain, size);
    memcpy(twice + size, plain, size);
    assert_int_equal(coh_h1_read_head(&head, twice, 2 * size), 0);
    assert_plain(twice);
    assert_int_equal(head.memo_size, size);
    assert_int_equal(coh_h1_read_head(&head, twice + size, size), 0);
    assert_plain(twice + size);
    /* Not all of it, and another one. */
    assert_int_equal(coh_h1_read_head(&head, twice, size - 1), 0);
    assert_false(head.is_complete);
    assert_int_equal(head.memo_size, 0);
    assert_int_equal(coh_h1_read_head(&head, plain, size), 0);
    twice[5] = 'x';
    assert_int_equal(coh_h1_read_head(&head, twice, size), 0);
    assert_true(coh_str_is(head.line.target, "/x?b"));
    assert_int_equal(coh_h1_read_head(&head, plain, size), 0);
    assert_plain(plain);
}

/* What a body or its owner's settings change is read anew. */
static void
recognises_no_other_head(void **state)
{
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX_Under: 1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        assert_int_equal(
            coh_h1_read_head(&head, heads[i], strlen(heads[i])), 0);
        assert_true(head.is_complete);
        assert_int_equal(head.memo_size, 0);
    }
}

static int
begin(void **state)
{
    (void)state;
    coh_h1_init();
    return 0;
}

/* With the parser that runs on every machine. */
static int
begin_plain(void **state)
{
    begin(state);
    coh_h1_parser_init(true);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_head),
        cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(takes_bare_line_feeds),
        cmocka_unit_test(skips_empty_lines),
        cmocka_unit_test(counts_what_came_twice),
        cmocka_unit_test(has_slots_for_so_many_fields),
        cmocka_unit_test(recognises_a_head),
        cmocka_unit_test(recognises_no_other_head),
        cmocka_unit_test(reads_bodies_in_any_split),
        cmocka_unit_test(bounds_what_is_no_data),
    };

    return cmocka_run_group_tests(tests, begin, NULL) +
        cmocka_run_group_tests(tests, begin_plain, NULL);
}
