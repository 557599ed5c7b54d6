/* What a template declares about a worker group: read whole, or refused. */
#include "server/primary/groups/group_declaration.h"

#include <netinet/in.h>
#include <string.h>

#include "tests/core/test.h"

#define TEXT_MAX 512

struct made {
    struct coh_frame_group head;
    char texts[TEXT_MAX];
    size_t size; /* of both */
};

static void
add(struct made *made, const char *text)
{
    size_t used = made->size - sizeof(made->head);

    memcpy(made->texts + used, text, strlen(text) + 1);
    made->size += strlen(text) + 1;
}

static void
listen_on_loopback(struct made *made)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    made->head.listens[0].address_size = sizeof(address);
    memcpy(&made->head.listens[0].address, &address, sizeof(address));
}

/* node --flag server.js word, with a variable, a file and a socket. */
static void
make(struct made *made)
{
    static const char *const texts[] = {"app",       "node", "/srv",  "--flag",
                                        "server.js", "word", "A=b c", "",
                                        "/log",      "",     "web"};

    memset(made, 0, sizeof(*made));
    made->size = sizeof(made->head);
    made->head.processes = 2;
    made->head.protocol = COHORT_PROTOCOL_NODE;
    made->head.serialization = COHORT_SERIALIZATION_JSON;
    made->head.has_identity = 1;
    made->head.user = 1000;
    made->head.group = 100;
    made->head.group_count = 1;
    made->head.groups[0] = 27;
    made->head.inspect_port = 9230;
    made->head.exec_arg_count = 1;
    made->head.arg_count = 2;
    made->head.variable_count = 1;
    made->head.stdio_count = 3;
    made->head.stdio[1] = COHORT_STDIO_FILE;
    made->head.stdio[2] = COHORT_STDIO_IPC;
    made->head.listen_count = 1;
    listen_on_loopback(made);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        add(made, texts[i]);
    }
}

static struct coh_group_declaration *
read_made(const struct made *made)
{
    return coh_group_declaration_new(made, made->size);
}

static void
test_all_of_it_is_read(void **state)
{
    struct made made;
    struct coh_group_declaration *declaration;
    const struct cohort_settings *settings;

    (void)state;
    make(&made);
    declaration = read_made(&made);
    assert_non_null(declaration);
    settings = &declaration->settings;
    assert_string_equal(declaration->name, "app");
    assert_string_equal(settings->exec, "node");
    assert_string_equal(settings->cwd, "/srv");
    assert_string_equal(settings->exec_args[0], "--flag");
    assert_null(settings->exec_args[1]);
    assert_string_equal(settings->args[0], "server.js");
    assert_string_equal(settings->args[1], "word");
    assert_null(settings->args[2]);
    assert_string_equal(settings->environment[0], "A=b c");
    assert_int_equal(settings->stdio_count, 3);
    assert_string_equal(settings->stdio[1].path, "/log");
    assert_string_equal(declaration->listen_names[0], "web");
    assert_string_equal(settings->user, "1000");
    assert_string_equal(settings->group, "100");
    assert_string_equal(settings->groups[0], "27");
    assert_null(settings->groups[1]);
    assert_int_equal(settings->inspect_port, 9230);
    coh_group_declaration_free(declaration);
}

static void
test_texts_that_are_cut_are_refused(void **state)
{
    struct made made;
    size_t whole;

    (void)state;
    make(&made);
    whole = made.size;
    for (made.size = sizeof(made.head) + 1; made.size < whole; made.size++) {
        assert_null(read_made(&made));
    }
}

static void
test_texts_that_are_too_many_are_refused(void **state)
{
    struct made made;

    (void)state;
    make(&made);
    add(&made, "more");
    assert_null(read_made(&made));
}

/* Each is one more than there are, or than there may be. */
static void
test_counts_that_cannot_be_are_refused(void **state)
{
    struct made made;
    uint32_t *const counts[] = {
        &made.head.exec_arg_count, &made.head.arg_count,
        &made.head.variable_count, &made.head.stdio_count,
        &made.head.listen_count,
    };
    static const uint32_t wrong[] = {4, 1000, INT32_MAX, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
            make(&made);
            *counts[i] = wrong[k];
            assert_null(read_made(&made));
        }
    }
}

static void
test_numbers_that_cannot_be_are_refused(void **state)
{
    struct made made;
    uint32_t *const numbers[] = {
        &made.head.policy,
        &made.head.respawn,
        &made.head.inspect_port,
        &made.head.group_count,
        &made.head.listens[0].address_size,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        make(&made);
        *numbers[i] = 70000;
        assert_null(read_made(&made));
    }
    make(&made);
    made.head.processes = 0;
    assert_null(read_made(&made));
    made.head.processes = COH_GROUP_PROCESSES_MAX + 1;
    assert_null(read_made(&made));
}

static void
test_alike_but_for_the_number_of_workers(void **state)
{
    struct made one;
    struct made other;
    struct coh_group_declaration *first;
    struct coh_group_declaration *second;

    (void)state;
    make(&one);
    first = read_made(&one);
    make(&other);
    other.head.processes = 5;
    second = read_made(&other);
    assert_true(coh_group_declaration_is_same(first, second));
    coh_group_declaration_free(second);

    other.head.inspect_port = 0;
    second = read_made(&other);
    assert_false(coh_group_declaration_is_same(first, second));
    coh_group_declaration_free(second);

    make(&other);
    other.texts[0] = 'b';
    second = read_made(&other);
    assert_false(coh_group_declaration_is_same(first, second));
    coh_group_declaration_free(second);
    coh_group_declaration_free(first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_is_read),
        cmocka_unit_test(test_texts_that_are_cut_are_refused),
        cmocka_unit_test(test_texts_that_are_too_many_are_refused),
        cmocka_unit_test(test_counts_that_cannot_be_are_refused),
        cmocka_unit_test(test_numbers_that_cannot_be_are_refused),
        cmocka_unit_test(test_alike_but_for_the_number_of_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
