/* Reads responses with Content-Length and compares their bodies. */
#include "client_response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
response_start(struct response *response)
{
    response->head_size = 0;
    response->is_body = false;
    response->is_wrong = false;
    response->closes = false;
    response->worker = 0;
    response->body_size = 0;
    response->body_received = 0;
}

/* The value of a field, or NULL; the head ends with a NUL. */
static const char *
field_of(const char *head, const char *name)
{
    size_t size = strlen(name);
    const char *line = head;

    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            line += size + 1;
            return line + strspn(line, " ");
        }
    }
    return NULL;
}

static int
read_head(struct response *response, const struct expected *expected)
{
    const char *length = field_of(response->head, "content-length");
    const char *worker = field_of(response->head, "x-worker");
    const char *connection = field_of(response->head, "connection");

    if (length == NULL || strncmp(response->head, "HTTP/1.1 ", 9) != 0) {
        return -EPROTO;
    }
    response->body_size = strtoull(length, NULL, 10);
    response->worker = worker != NULL ? strtol(worker, NULL, 10) : 0;
    response->closes =
        connection != NULL && strncasecmp(connection, "close", 5) == 0;
    response->is_wrong = strncmp(response->head + 9, "200", 3) != 0 ||
        response->body_size != expected->size;
    response->is_body = true;
    return 0;
}

/* Move bytes to the head until it is whole; how many, or -errno. */
static int
feed_head(
    struct response *response, const struct expected *expected,
    const char *data, size_t size)
{
    size_t i;
    int result;

    for (i = 0; i < size && !response->is_body; i++) {
        if (response->head_size == RESPONSE_HEAD_MAX - 1) {
            return -EPROTO;
        }
        response->head[response->head_size++] = data[i];
        response->head[response->head_size] = '\0';
        if (data[i] == '\n' && response->head_size >= 4 &&
            strcmp(response->head + response->head_size - 4, "\r\n\r\n") == 0) {
            result = read_head(response, expected);
            if (result < 0) {
                return result;
            }
        }
    }
    return (int)i;
}

static size_t
feed_body(
    struct response *response, const struct expected *expected,
    const char *data, size_t size)
{
    uint64_t left = response->body_size - response->body_received;

    if (size > left) {
        size = (size_t)left;
    }
    if (!response->is_wrong &&
        memcmp(expected->body + response->body_received, data, size) != 0) {
        response->is_wrong = true;
    }
    response->body_received += size;
    return size;
}

int
response_feed(
    struct response *response, const struct expected *expected,
    const char *data, size_t size)
{
    int taken = 0;

    if (!response->is_body) {
        taken = feed_head(response, expected, data, size);
        if (taken < 0) {
            return taken;
        }
    }
    if (response->is_body) {
        taken += (int)feed_body(
            response, expected, data + taken, size - (size_t)taken);
    }
    return taken;
}

bool
response_is_complete(const struct response *response)
{
    return response->is_body && response->body_received == response->body_size;
}
