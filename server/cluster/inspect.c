/* A few answers over HTTP/1.0, for people who debug: never on by default, on
   loopback alone. */
#include "server/cluster/inspect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/json.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/cluster/listening.h"
#include "server/cluster/self.h"

#define CLIENTS_MAX 8
#define REQUEST_MAX 2048 /* bytes of a head */
#define STATE_MAX (64 * 1024)
#define PATIENCE_S 5
#define RETRY_MS 100

struct client {
    struct coh_inspect *inspect; /* NULL: free */
    int fd;
    struct event event;
    char head[REQUEST_MAX];
    size_t size;
};

struct coh_inspect {
    struct coh_cluster_self *self;
    int fd;
    struct event event;
    struct event retry; /* after EMFILE */
    struct client clients[CLIENTS_MAX];
};

/* --- the state ------------------------------------------------------------ */

static const char *const state_names[] = {
    [COH_SELF_STAYING] = "staying",      [COH_SELF_CLOSING] = "closing",
    [COH_SELF_ANNOUNCED] = "leaving",    [COH_SELF_PARTING] = "leaving",
    [COH_SELF_HUNG_UP] = "disconnected",
};

static struct coh_json *
describe_listening(const struct cohort_listening *listening)
{
    static const char *const names[] = {
        [COH_LISTENING_ASKED] = "asked",
        [COH_LISTENING_OPEN] = "open",
        [COH_LISTENING_CLOSING] = "closing",
    };
    const struct cohort_address *address = &listening->address;
    struct coh_json *json = coh_json_object();

    json = coh_json_set(
        json, "host",
        address->host != NULL ? coh_json_string(cohort_str(address->host))
                              : coh_json_null());
    json = coh_json_set(json, "port", coh_json_integer(address->port));
    json = coh_json_set(
        json, "state", coh_json_string(cohort_str(names[listening->state])));
    return coh_json_set(
        json, "connections",
        coh_json_integer(cohort_listening_connection_count(listening)));
}

static struct coh_json *
describe(const struct coh_cluster_self *self)
{
    const struct cohort_listening *listening;
    struct coh_json *list = coh_json_array();
    struct coh_json *json = coh_json_object();

    TAILQ_FOREACH (listening, &self->listenings, link) {
        list = coh_json_append(list, describe_listening(listening));
    }
    json =
        coh_json_set(json, "worker", coh_json_integer((int64_t)self->self.id));
    json = coh_json_set(json, "pid", coh_json_integer(getpid()));
    json = coh_json_set(
        json, "state", coh_json_string(cohort_str(state_names[self->state])));
    json = coh_json_set(
        json, "queuedBytes",
        coh_json_integer((int64_t)self->native.queue.byte_count));
    return coh_json_set(json, "listenings", list);
}

/* --- clients -------------------------------------------------------------- */

static void
drop(struct client *client)
{
    event_del(&client->event);
    close(client->fd);
    client->inspect = NULL;
}

/* It fits a socket's buffer, or the client is not worth waiting for. */
static void
answer(const struct client *client, const char *status, const char *body)
{
    char head[160];
    int size = snprintf(
        head, sizeof(head),
        "HTTP/1.0 %s\r\nContent-Type: application/json\r\n"
        "Content-Length: %zu\r\nConnection: close\r\n\r\n",
        status, strlen(body));

    if (send(client->fd, head, (size_t)size, MSG_NOSIGNAL | MSG_MORE) == size) {
        (void)send(client->fd, body, strlen(body), MSG_NOSIGNAL);
    }
    shutdown(client->fd, SHUT_RDWR);
}

static void
answer_state(const struct client *client)
{
    struct coh_json *json = describe(client->inspect->self);
    char *text = malloc(STATE_MAX);
    ssize_t size =
        text == NULL ? -ENOMEM : coh_json_write(json, text, STATE_MAX - 1);

    if (size < 0) {
        answer(client, "500 Internal Server Error", "{}");
    } else {
        text[size] = '\0';
        answer(client, "200 OK", text);
    }
    free(text);
    coh_json_free(json);
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct client *client = user;
    struct cohort_str head;
    ssize_t got = what & EV_TIMEOUT
        ? 0
        : recv(
              fd, client->head + client->size,
              sizeof(client->head) - 1 - client->size, 0);

    if (got <= 0) {
        drop(client);
        return;
    }
    client->size += (size_t)got;
    client->head[client->size] = '\0';
    head = cohort_str_n(client->head, client->size);
    if (strstr(client->head, "\r\n\r\n") == NULL) {
        if (client->size == sizeof(client->head) - 1) {
            drop(client);
        }
        return;
    }
    if (!coh_str_starts_with(head, COH_STR("GET "))) {
        answer(client, "405 Method Not Allowed", "{}");
    } else if (!coh_str_starts_with(head, COH_STR("GET / "))) {
        answer(client, "404 Not Found", "{}");
    } else {
        answer_state(client);
    }
    drop(client);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct coh_inspect *inspect = user;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (client < 0) {
        /* There are no descriptors, and the socket stays readable: the loop
           would spin. */
        event_del(&inspect->event);
        coh_event_add_ms(&inspect->retry, RETRY_MS);
        return;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *place = &inspect->clients[i];

        if (place->inspect == NULL) {
            *place = (struct client){.inspect = inspect, .fd = client};
            event_assign(
                &place->event, inspect->self->self.loop.base, client,
                EV_READ | EV_PERSIST, on_readable, place);
            event_add(&place->event, &patience);
            return;
        }
    }
    close(client);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_inspect *inspect = user;

    (void)fd;
    (void)what;
    event_add(&inspect->event, NULL);
}

/* --- beginning and end ---------------------------------------------------- */

static int
open_socket(int port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result;

    if (fd < 0) {
        return -errno;
    }
    coh_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, CLIENTS_MAX) < 0) {
        result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

void
coh_inspect_open(struct coh_cluster_self *self, int port)
{
    int fd = open_socket(port);
    struct coh_inspect *inspect = fd < 0 ? NULL : calloc(1, sizeof(*inspect));

    if (inspect == NULL) {
        cohort_error(
            self->self.log, "cannot listen on inspect port %d: %s", port,
            strerror(fd < 0 ? -fd : ENOMEM));
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    inspect->self = self;
    inspect->fd = fd;
    event_assign(
        &inspect->event, self->self.loop.base, fd, EV_READ | EV_PERSIST,
        on_acceptable, inspect);
    event_assign(
        &inspect->retry, self->self.loop.base, -1, 0, on_retry, inspect);
    event_add(&inspect->event, NULL);
    self->inspect = inspect;
}

void
coh_inspect_close(struct coh_cluster_self *self)
{
    struct coh_inspect *inspect = self->inspect;

    if (inspect == NULL) {
        return;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (inspect->clients[i].inspect != NULL) {
            drop(&inspect->clients[i]);
        }
    }
    event_del(&inspect->event);
    event_del(&inspect->retry);
    close(inspect->fd);
    free(inspect);
    self->inspect = NULL;
}
