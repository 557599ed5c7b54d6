/* A client that keeps asking a server on loopback and counts every request and
   every byte.

   counting_client PORT BODY-FILE [path=/] [keep=N] [close=N] [late=N]
   [pause=MS]
       [patience=SECONDS] [idle=MS]

   keep   connections that ask until the server says close
   close  connections for one request each
   late   connections that ask at some time within 100 ms, a few times
   pause  of keep and close connections before a request, random up to that

   A line on standard input is answered by a line of JSON with what was counted
   so far. At its end what is in flight is waited for, then the last line is
   written, with what went wrong one by one. */
#include "client_connection.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#define CONNECTIONS_MAX 4096

static struct kind kinds[] = {
    {.name = "keep"},
    {.name = "close", .requests = 1},
    {.name = "late", .requests = 5, .first_ms = 100, .pause_ms = 20},
};

static struct client client = {
    .path = "/",
    .patience_us = 20 * 1000000,
    .idle_us = 900 * 1000,
};
static struct connection *connections[CONNECTIONS_MAX];
static unsigned connection_count;

static void
on_second(evutil_socket_t fd, short what, void *data)
{
    unsigned i;

    (void)fd;
    (void)what;
    (void)data;
    for (i = 0; i < connection_count; i++) {
        connection_look(connections[i]);
    }
}

static void
on_command(evutil_socket_t fd, short what, void *data)
{
    char line[64];
    ssize_t size = read(fd, line, sizeof(line));
    unsigned i;

    (void)what;
    if (size > 0) {
        tally_print(&client.tally, false);
        return;
    }
    event_del(data);
    client.is_stopping = true;
    for (i = 0; i < connection_count; i++) {
        connection_stop(connections[i]);
    }
    if (client.active == 0) {
        event_base_loopbreak(client.base);
    }
}

static int
load_body(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *body;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return -1;
    }
    body = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (body == MAP_FAILED) {
        return -1;
    }
    client.expected.body = body;
    client.expected.size = (size_t)status.st_size;
    return 0;
}

static int
start(const struct kind *kind, unsigned count)
{
    for (; count > 0; count--) {
        if (connection_count == CONNECTIONS_MAX) {
            return -1;
        }
        connections[connection_count] = connection_start(&client, kind);
        if (connections[connection_count++] == NULL) {
            return -1;
        }
    }
    return 0;
}

/* Returns -1 for what is no option. */
static int
take_option(const char *option)
{
    const char *value = strchr(option, '=');
    unsigned number;
    size_t i;

    if (value == NULL) {
        return -1;
    }
    value++;
    number = (unsigned)strtoul(value, NULL, 10);
    if (strncmp(option, "path=", 5) == 0) {
        client.path = value;
        return 0;
    }
    if (strncmp(option, "pause=", 6) == 0) {
        kinds[0].pause_ms = number;
        kinds[1].first_ms = number;
        return 0;
    }
    if (strncmp(option, "patience=", 9) == 0) {
        client.patience_us = (uint64_t)number * 1000000;
        return 0;
    }
    if (strncmp(option, "idle=", 5) == 0) {
        client.idle_us = (uint64_t)number * 1000;
        return 0;
    }
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(option, kinds[i].name, strlen(kinds[i].name)) == 0) {
            return start(&kinds[i], number);
        }
    }
    return -1;
}

static void
run(void)
{
    static const struct timeval second = {1, 0};
    struct event *timer =
        event_new(client.base, -1, EV_PERSIST, on_second, NULL);
    struct event *command = event_new(
        client.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_command,
        event_self_cbarg());

    event_add(timer, &second);
    event_add(command, NULL);
    event_base_dispatch(client.base);
    tally_print(&client.tally, true);
}

int
main(int count, char **words)
{
    int i;

    signal(SIGPIPE, SIG_IGN);
    client.base = event_base_new();
    if (count < 4 || client.base == NULL || load_body(words[2]) < 0) {
        fprintf(stderr, "usage: %s PORT BODY-FILE option=value...\n", words[0]);
        return 1;
    }
    client.port = (uint16_t)strtoul(words[1], NULL, 10);
    for (i = 3; i < count; i++) {
        if (take_option(words[i]) < 0) {
            fprintf(stderr, "%s: what is %s?\n", words[0], words[i]);
            return 1;
        }
    }
    run();
    return 0;
}
