/* What a Node worker asks to listen on, and the key by which both sides know
   it. */
#include "server/channel/node_query.h"

#include <errno.h>
#include <stdio.h>

#include "core/json.h"
#include "core/str.h"

/* The types as they stand in keys; those of UDP stand so in messages too. */
static const char *const type_names[] = {
    [COH_NODE_TYPE_ABSENT] = "undefined",
    [COH_NODE_TYPE_NULL] = "null",
    [COH_NODE_TYPE_4] = "4",
    [COH_NODE_TYPE_6] = "6",
    [COH_NODE_TYPE_LOCAL] = "-1",
    [COH_NODE_TYPE_UDP4] = "udp4",
    [COH_NODE_TYPE_UDP6] = "udp6",
};

/* --- parsing -------------------------------------------------------------- */

static enum coh_node_presence
presence_of(const struct coh_json *value)
{
    if (value == NULL) {
        return COH_NODE_ABSENT;
    }
    return coh_json_kind(value) == COH_JSON_NULL ? COH_NODE_NULL
                                                 : COH_NODE_GIVEN;
}

static bool
get_number(
    const struct coh_json *message, const char *name, int32_t min, int32_t max,
    struct coh_node_number *number)
{
    const struct coh_json *value = coh_json_member(message, name);
    int64_t integer = 0;

    number->presence = presence_of(value);
    if (number->presence == COH_NODE_GIVEN &&
        coh_json_get_integer(value, min, max, &integer) < 0) {
        return false;
    }
    number->value = (int32_t)integer;
    return true;
}

/* A hint from the program: what makes no sense counts as not given. */
static void
get_hint(
    const struct coh_json *message, const char *name,
    struct coh_node_number *number)
{
    if (!get_number(message, name, 0, INT32_MAX, number)) {
        number->presence = COH_NODE_ABSENT;
    }
}

static bool
get_address(const struct coh_json *message, struct coh_node_text *address)
{
    const struct coh_json *value = coh_json_member(message, "address");

    address->presence = presence_of(value);
    return address->presence != COH_NODE_GIVEN ||
        (coh_json_get_string(value, &address->value) == 0 &&
         address->value.size <= COH_NODE_ADDRESS_MAX &&
         coh_str_index(address->value, '\0') < 0);
}

/* A number for TCP and paths, a text for UDP. */
static bool
get_type(const struct coh_json *message, enum coh_node_address_type *type)
{
    const struct coh_json *value = coh_json_member(message, "addressType");
    struct cohort_str text;
    int64_t number;

    if (presence_of(value) != COH_NODE_GIVEN) {
        *type = value == NULL ? COH_NODE_TYPE_ABSENT : COH_NODE_TYPE_NULL;
        return true;
    }
    if (coh_json_get_string(value, &text) == 0) {
        *type =
            coh_str_is(text, "udp4") ? COH_NODE_TYPE_UDP4 : COH_NODE_TYPE_UDP6;
        return coh_str_is(text, type_names[*type]);
    }
    if (coh_json_get_integer(value, -1, 6, &number) < 0) {
        return false;
    }
    *type = number == 4 ? COH_NODE_TYPE_4
        : number == 6   ? COH_NODE_TYPE_6
                        : COH_NODE_TYPE_LOCAL;
    return number == 4 || number == 6 || number == -1;
}

/* Anything but true is false. */
static bool
get_switch(const struct coh_json *message, const char *name)
{
    bool value;

    return coh_json_get_boolean(coh_json_member(message, name), &value) == 0 &&
        value;
}

const char *
coh_node_query_parse(
    struct coh_node_query *query, const struct coh_json *message)
{
    if (!get_address(message, &query->address)) {
        return "asks to listen on a wrong address";
    }
    if (!get_number(message, "port", -1, UINT16_MAX, &query->port)) {
        return "asks to listen on a wrong port";
    }
    if (!get_type(message, &query->type)) {
        return "asks to listen on an address of a wrong type";
    }
    if (!get_number(message, "fd", -1, INT32_MAX, &query->fd)) {
        return "asks to listen on a wrong descriptor";
    }
    if (!get_number(message, "index", 0, INT32_MAX, &query->index)) {
        return "asks to listen with a wrong index";
    }
    get_hint(message, "flags", &query->flags);
    get_hint(message, "backlog", &query->backlog);
    query->readable_all = get_switch(message, "readableAll");
    query->writable_all = get_switch(message, "writableAll");
    query->data = coh_json_member(message, "data");
    if (presence_of(query->data) != COH_NODE_GIVEN) {
        query->data = NULL;
    }
    return NULL;
}

/* --- composing ------------------------------------------------------------ */

static struct coh_json *
set_number(
    struct coh_json *message, const char *name, struct coh_node_number number)
{
    if (number.presence == COH_NODE_ABSENT) {
        return message;
    }
    return coh_json_set(
        message, name,
        number.presence == COH_NODE_NULL ? coh_json_null()
                                         : coh_json_integer(number.value));
}

static struct coh_json *
set_address(struct coh_json *message, struct coh_node_text address)
{
    if (address.presence == COH_NODE_ABSENT) {
        return message;
    }
    return coh_json_set(
        message, "address",
        address.presence == COH_NODE_NULL ? coh_json_null()
                                          : coh_json_string(address.value));
}

static struct coh_json *
type_value(enum coh_node_address_type type)
{
    switch (type) {
    case COH_NODE_TYPE_4:
        return coh_json_integer(4);
    case COH_NODE_TYPE_6:
        return coh_json_integer(6);
    case COH_NODE_TYPE_LOCAL:
        return coh_json_integer(-1);
    case COH_NODE_TYPE_UDP4:
    case COH_NODE_TYPE_UDP6:
        return coh_json_string(cohort_str(type_names[type]));
    default:
        return coh_json_null();
    }
}

struct coh_json *
coh_node_query_set(struct coh_json *message, const struct coh_node_query *query)
{
    message = set_number(message, "index", query->index);
    message = coh_json_set(
        message, "data",
        query->data == NULL ? coh_json_null() : coh_json_keep(query->data));
    message = set_address(message, query->address);
    message = set_number(message, "port", query->port);
    if (query->type != COH_NODE_TYPE_ABSENT) {
        message = coh_json_set(message, "addressType", type_value(query->type));
    }
    message = set_number(message, "fd", query->fd);
    message = set_number(message, "flags", query->flags);
    message = set_number(message, "backlog", query->backlog);
    if (query->type == COH_NODE_TYPE_LOCAL) {
        message = coh_json_set(
            message, "readableAll", coh_json_boolean(query->readable_all));
        message = coh_json_set(
            message, "writableAll", coh_json_boolean(query->writable_all));
    }
    return message;
}

/* --- the key -------------------------------------------------------------- */

#define NUMBER_MAX 16

static const char *
number_text(struct coh_node_number number, char out[NUMBER_MAX])
{
    if (number.presence == COH_NODE_GIVEN) {
        snprintf(out, NUMBER_MAX, "%d", (int)number.value);
        return out;
    }
    return number.presence == COH_NODE_NULL ? "null" : "undefined";
}

ssize_t
coh_node_query_key(const struct coh_node_query *query, char *out, size_t size)
{
    char port[NUMBER_MAX];
    char fd[NUMBER_MAX];
    char index[NUMBER_MAX];
    struct cohort_str address = query->address.value;
    int needed;

    if (query->address.presence != COH_NODE_GIVEN) {
        address = query->address.presence == COH_NODE_NULL
            ? COH_STR("null")
            : COH_STR("undefined");
    }
    if (address.size > COH_NODE_ADDRESS_MAX) {
        return -EMSGSIZE;
    }
    needed = snprintf(
        out, size, "%.*s:%s:%s:%s:%s", (int)address.size,
        address.size == 0 ? "" : address.data, number_text(query->port, port),
        type_names[query->type], number_text(query->fd, fd),
        number_text(query->index, index));
    return (size_t)needed < size ? needed : -EMSGSIZE;
}
