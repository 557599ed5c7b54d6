/* What Node workers ask to listen on: parsed, composed, and their keys. */
#include "tests/core/test.h"

#include <errno.h>
#include <string.h>

#include "core/json.h"
#include "core/str.h"
#include "server/channel/node_query.h"

static struct coh_json *
parse(const char *text, struct coh_node_query *query, const char **why)
{
    struct coh_json *message;

    assert_int_equal(
        coh_json_parse(cohort_str(text), 10000, &message, NULL), 0);
    memset(query, 0, sizeof(*query));
    *why = coh_node_query_parse(query, message);
    return message;
}

/* As Node 20 sends them. */
static void
test_keys(void **state)
{
    static const struct {
        const char *message;
        const char *key;
    } cases[] = {
        {"{\"act\":\"queryServer\",\"index\":0,\"data\":null,\"address\":"
         "\"127.0.0.1\",\"port\":8000,\"addressType\":4,\"flags\":0}",
         "127.0.0.1:8000:4:undefined:0"},
        {"{\"index\":1,\"data\":null,\"address\":null,\"port\":0,"
         "\"addressType\":4,\"backlog\":511}",
         "null:0:4:undefined:1"},
        {"{\"index\":0,\"data\":null,\"address\":null,\"port\":null,"
         "\"addressType\":null,\"fd\":20}",
         "null:null:null:20:0"},
        {"{\"index\":0,\"data\":null,\"address\":\"/run/a:b.sock\",\"port\":-1,"
         "\"addressType\":-1,\"readableAll\":true}",
         "/run/a:b.sock:-1:-1:undefined:0"},
        {"{\"index\":0,\"data\":null,\"address\":\"::1\",\"port\":443,"
         "\"addressType\":6,\"flags\":1}",
         "::1:443:6:undefined:0"},
        {"{\"index\":2,\"data\":null,\"address\":\"0.0.0.0\",\"port\":53,"
         "\"addressType\":\"udp4\",\"fd\":-1,\"flags\":0}",
         "0.0.0.0:53:udp4:-1:2"},
        {"{\"address\":\"::\",\"port\":53,\"addressType\":\"udp6\",\"fd\":-1,"
         "\"index\":0}",
         ":::53:udp6:-1:0"},
        {"{}", "undefined:undefined:undefined:undefined:undefined"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coh_node_query query;
        const char *why;
        struct coh_json *message = parse(cases[i].message, &query, &why);
        char key[COH_NODE_KEY_MAX];
        ssize_t size = coh_node_query_key(&query, key, sizeof(key));

        assert_null(why);
        assert_string_equal(key, cases[i].key);
        assert_int_equal(size, strlen(key));
        assert_int_equal(
            coh_node_query_key(&query, key, (size_t)size), -EMSGSIZE);
        coh_json_free(message);
    }
}

static void
test_every_member(void **state)
{
    struct coh_node_query query;
    const char *why;
    struct coh_json *message = parse(
        "{\"index\":3,\"data\":{\"ticketKeys\":\"00\"},\"address\":\"/a\","
        "\"port\":-1,\"addressType\":-1,\"flags\":1,\"backlog\":77,"
        "\"readableAll\":true,\"writableAll\":false}",
        &query, &why);

    (void)state;
    assert_null(why);
    assert_int_equal(query.index.value, 3);
    assert_true(coh_str_is(query.address.value, "/a"));
    assert_int_equal(query.port.value, -1);
    assert_int_equal(query.type, COH_NODE_TYPE_LOCAL);
    assert_int_equal(query.fd.presence, COH_NODE_ABSENT);
    assert_int_equal(query.flags.value, 1);
    assert_int_equal(query.backlog.value, 77);
    assert_true(query.readable_all);
    assert_false(query.writable_all);
    assert_int_equal(coh_json_kind(query.data), COH_JSON_OBJECT);
    coh_json_free(message);
}

static void
test_composed_as_parsed(void **state)
{
    static const char *const texts[] = {
        "{\"index\":0,\"data\":null,\"address\":\"127.0.0.1\",\"port\":80,"
        "\"addressType\":4,\"flags\":0,\"backlog\":511}",
        "{\"index\":1,\"data\":{\"a\":[1]},\"address\":null,\"port\":null,"
        "\"addressType\":null,\"fd\":7}",
        "{\"index\":0,\"data\":null,\"address\":\"/a\",\"port\":-1,"
        "\"addressType\":-1,\"readableAll\":false,\"writableAll\":true}",
        "{\"index\":0,\"data\":null,\"address\":\"::\",\"port\":53,"
        "\"addressType\":\"udp6\",\"fd\":-1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct coh_node_query query;
        const char *why;
        struct coh_json *message = parse(texts[i], &query, &why);
        struct coh_json *again = coh_node_query_set(coh_json_object(), &query);
        char out[256];
        ssize_t size = coh_json_write(again, out, sizeof(out));

        assert_int_equal(size, strlen(texts[i]));
        assert_memory_equal(out, texts[i], (size_t)size);
        coh_json_free(message);
        coh_json_free(again);
    }
}

static void
test_wrong_members(void **state)
{
    static const struct {
        const char *message;
        const char *why;
    } cases[] = {
        {"{\"address\":1}", "asks to listen on a wrong address"},
        {"{\"address\":\"a\\u0000b\"}", "asks to listen on a wrong address"},
        {"{\"port\":65536}", "asks to listen on a wrong port"},
        {"{\"port\":-2}", "asks to listen on a wrong port"},
        {"{\"port\":1.5}", "asks to listen on a wrong port"},
        {"{\"port\":\"80\"}", "asks to listen on a wrong port"},
        {"{\"addressType\":5}", "asks to listen on an address of a wrong type"},
        {"{\"addressType\":\"udp5\"}",
         "asks to listen on an address of a wrong type"},
        {"{\"addressType\":[]}",
         "asks to listen on an address of a wrong type"},
        {"{\"fd\":-2}", "asks to listen on a wrong descriptor"},
        {"{\"fd\":2147483648}", "asks to listen on a wrong descriptor"},
        {"{\"index\":-1}", "asks to listen with a wrong index"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coh_node_query query;
        const char *why;

        coh_json_free(parse(cases[i].message, &query, &why));
        assert_string_equal(why, cases[i].why);
    }
}

/* A program's nonsense in what is only a hint is no breach of the protocol. */
static void
test_wrong_hints(void **state)
{
    struct coh_node_query query;
    const char *why;

    (void)state;
    coh_json_free(parse(
        "{\"backlog\":-5,\"flags\":\"x\",\"readableAll\":1}", &query, &why));
    assert_null(why);
    assert_int_equal(query.backlog.presence, COH_NODE_ABSENT);
    assert_int_equal(query.flags.presence, COH_NODE_ABSENT);
    assert_false(query.readable_all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_every_member),
        cmocka_unit_test(test_composed_as_parsed),
        cmocka_unit_test(test_wrong_members),
        cmocka_unit_test(test_wrong_hints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
