/* Lines of a Node channel: which are the codec's own, which carry a descriptor,
   and whom the others are for. */
#include "server/channel/node_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/json.h"
#include "core/str.h"

#define COMMAND_PREFIX COH_STR("NODE_")
#define COMMAND_MAX 256 /* bytes; a longer one is none of Node's */

static const struct {
    const char *name;
    int socket_type;
} handles[] = {
    [COH_NODE_NET_NATIVE] = {"net.Native", SOCK_STREAM},
    [COH_NODE_DGRAM_NATIVE] = {"dgram.Native", SOCK_DGRAM},
    [COH_NODE_NET_SOCKET] = {"net.Socket", SOCK_STREAM},
    [COH_NODE_NET_SERVER] = {"net.Server", SOCK_STREAM},
    [COH_NODE_DGRAM_SOCKET] = {"dgram.Socket", SOCK_DGRAM},
};

/* COH_NODE_NO_HANDLE for other names. */
static enum coh_node_handle
handle_of(struct cohort_str type)
{
    for (int i = COH_NODE_NET_NATIVE; i <= COH_NODE_DGRAM_SOCKET; i++) {
        if (coh_json_text_is(type, handles[i].name)) {
            return (enum coh_node_handle)i;
        }
    }
    return COH_NODE_NO_HANDLE;
}

static int
socket_option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

bool
coh_node_is_internal(struct cohort_str text, struct cohort_str *command)
{
    struct coh_json *value;
    struct cohort_str name;
    bool is_internal;

    if (!coh_json_text_member(text, "cmd", command) ||
        coh_json_parse(*command, COMMAND_MAX, &value, NULL) < 0) {
        return false;
    }
    is_internal = coh_json_get_string(value, &name) == 0 &&
        name.size > COMMAND_PREFIX.size &&
        coh_str_starts_with(name, COMMAND_PREFIX);
    coh_json_free(value);
    return is_internal;
}

/* --- coming in ------------------------------------------------------------ */

/* Closes the descriptor unless the handler took it. */
static bool
deliver(
    struct coh_node_channel *channel,
    void (*handle)(struct coh_node_channel *, struct coh_node_message *),
    struct coh_node_message *message)
{
    struct coh_node_guard guard;

    if (channel->is_leaving) {
        return true;
    }
    coh_node_channel_enter(channel, &guard);
    handle(channel, message);
    return coh_node_channel_exit(channel, &guard);
}

static bool
reject(struct coh_node_channel *channel, const char *why)
{
    coh_node_channel_reject(channel, why);
    return false;
}

static bool
acknowledge(struct coh_node_channel *channel, bool is_taken)
{
    struct cohort_str line = is_taken
        ? COH_STR("{\"cmd\":\"NODE_HANDLE_ACK\"}")
        : COH_STR("{\"cmd\":\"NODE_HANDLE_NACK\"}");

    if (coh_node_queue_push_reply(&channel->queue, line) < 0) {
        return reject(channel, "comes faster than it reads what we answer");
    }
    coh_node_channel_pump(channel);
    return true;
}

/* Its descriptor never came. A program's message is dropped as Node does, who
   sends it again; who sent one of Node's own waits for an answer. */
static bool
deliver_robbed(
    struct coh_node_channel *channel, struct coh_node_message *message)
{
    struct cohort_str command;

    return !coh_node_is_internal(message->text, &command) ||
        deliver(channel, channel->role->internal, message);
}

/* A message out of its envelope. */
static bool
deliver_passed(
    struct coh_node_channel *channel, struct coh_node_message *message)
{
    struct cohort_str command;

    if (!coh_node_is_internal(message->text, &command)) {
        return deliver(channel, channel->role->message, message);
    }
    if (coh_json_text_is(command, "NODE_HANDLE") ||
        coh_json_text_is(command, "NODE_HANDLE_ACK") ||
        coh_json_text_is(command, "NODE_HANDLE_NACK")) {
        return reject(channel, "is an envelope in an envelope");
    }
    return deliver(channel, channel->role->internal, message);
}

static bool
take_handle(struct coh_node_channel *channel, struct cohort_str line)
{
    struct coh_node_message message = {.fd = -1};
    struct cohort_str type;
    bool is_open;

    if (!coh_json_text_member(line, "type", &type) ||
        !coh_json_text_member(line, "msg", &message.text)) {
        return reject(channel, "is an envelope without type or msg");
    }
    message.handle = handle_of(type);
    if (message.handle == COH_NODE_NO_HANDLE) {
        return reject(channel, "is an envelope of an unknown type");
    }
    coh_json_text_member(line, "key", &message.key);
    message.fd = coh_node_lines_take_fd(&channel->lines);
    if (message.fd < 0) {
        return acknowledge(channel, false) && deliver_robbed(channel, &message);
    }
    if (socket_option(message.fd, SO_TYPE) !=
        handles[message.handle].socket_type) {
        close(message.fd);
        return reject(channel, "has a descriptor that is not what it says");
    }
    is_open = acknowledge(channel, !channel->is_leaving) &&
        deliver_passed(channel, &message);
    if (message.fd >= 0) {
        close(message.fd);
    }
    return is_open;
}

/* ACK or NACK of a descriptor of ours: what was held back may go. */
static bool
take_acknowledgement(struct coh_node_channel *channel, bool was_taken)
{
    struct coh_node_guard guard;
    uint64_t token;
    int result = coh_node_queue_acknowledge(&channel->queue, was_taken, &token);

    if (result < 0) {
        return reject(channel, "acknowledges a descriptor that was not sent");
    }
    if (result > 0 && !channel->is_leaving) {
        coh_node_channel_enter(channel, &guard);
        channel->role->passed(channel, token, was_taken);
        if (!coh_node_channel_exit(channel, &guard)) {
            return false;
        }
    }
    coh_node_channel_pump(channel);
    return true;
}

static bool
take_internal(
    struct coh_node_channel *channel, struct cohort_str line,
    struct cohort_str command)
{
    struct coh_node_message message = {.text = line, .fd = -1};

    if (coh_json_text_is(command, "NODE_HANDLE")) {
        return take_handle(channel, line);
    }
    if (coh_json_text_is(command, "NODE_HANDLE_ACK")) {
        return take_acknowledgement(channel, true);
    }
    if (coh_json_text_is(command, "NODE_HANDLE_NACK")) {
        return take_acknowledgement(channel, false);
    }
    return deliver(channel, channel->role->internal, &message);
}

bool
coh_node_channel_take_line(
    struct coh_node_channel *channel, struct cohort_str line)
{
    struct coh_node_message message = {.text = line, .fd = -1};
    struct coh_json_error error;
    struct cohort_str command;
    size_t value_count;
    char why[128];

    if (coh_json_text_check(line, &value_count, &error) < 0) {
        snprintf(
            why, sizeof(why), "is not JSON that we take: it %s, at byte %zu",
            error.reason, error.offset + 1);
        return reject(channel, why);
    }
    if (coh_node_is_internal(line, &command)) {
        return take_internal(channel, line, command);
    }
    return deliver(channel, channel->role->message, &message);
}

/* --- going out ------------------------------------------------------------ */

#define ENVELOPE_MAX 128

/* What stands in front of the message. */
static struct cohort_str
envelope_of(const struct coh_node_pass *pass, char out[ENVELOPE_MAX])
{
    const char *dgram = "";
    int size;

    if (pass->handle == COH_NODE_DGRAM_SOCKET) {
        dgram = socket_option(pass->fd, SO_DOMAIN) == AF_INET6
            ? "\"dgramType\":\"udp6\","
            : "\"dgramType\":\"udp4\",";
    }
    size = snprintf(
        out, ENVELOPE_MAX,
        "{\"cmd\":\"NODE_HANDLE\",\"type\":\"%s\",%s\"msg\":",
        handles[pass->handle].name, dgram);
    return cohort_str_n(out, (size_t)size);
}

static int
push(
    struct coh_node_channel *channel, struct cohort_str text,
    const struct coh_node_pass *pass)
{
    struct coh_node_passing passing = {.fd = -1};
    char envelope[ENVELOPE_MAX];

    if (pass == NULL) {
        return coh_node_queue_push(
            &channel->queue, COH_STR(""), text, COH_STR(""), &passing);
    }
    passing.fd = pass->fd;
    passing.is_pipelined = pass->is_pipelined;
    passing.retries = pass->is_retried ? COH_NODE_RETRIES : 0;
    passing.token = pass->token;
    return coh_node_queue_push(
        &channel->queue, envelope_of(pass, envelope), text, COH_STR("}"),
        &passing);
}

int
coh_node_channel_send_internal(
    struct coh_node_channel *channel, struct cohort_str text,
    const struct coh_node_pass *pass)
{
    int result;

    if (channel->fd < 0 || channel->is_leaving) {
        return -EPIPE;
    }
    result = push(channel, text, pass);
    if (result < 0) {
        return result;
    }
    coh_node_channel_pump(channel);
    if (channel->queue.byte_count < COH_NODE_PRESSURE_SIZE) {
        return 0;
    }
    channel->is_pressed = true;
    return COH_NODE_PRESSURE;
}

int
coh_node_channel_send(
    struct coh_node_channel *channel, struct cohort_str text,
    const struct coh_node_pass *pass)
{
    struct cohort_str command;
    size_t value_count;

    if (coh_json_text_check(text, &value_count, NULL) < 0 ||
        coh_node_is_internal(text, &command)) {
        return -EINVAL;
    }
    return coh_node_channel_send_internal(channel, text, pass);
}
