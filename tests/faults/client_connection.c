/* One connection: CONNECTING -> PAUSING -> ASKING -> PAUSING ... -> CLOSED.

   CONNECTING  the handshake is under way; on_socket() moves on
   PAUSING     connected, no request in flight; on_timer() sends the next
   ASKING      a request was sent; take_response() ends it, lose() gives it up
   CLOSED      on_timer() connects again */
#include "client_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#define RETRY_MS 10 /* after a connect that failed */
/* A SYN that was dropped comes again after 1 s: its handshake ends, but the
   first try was refused without a word. */
#define CONNECT_MAX_US 900000
#define RECEIVE_SIZE 65536

enum state {
    STATE_CLOSED,
    STATE_CONNECTING,
    STATE_PAUSING,
    STATE_ASKING
};

struct connection {
    struct client *client;
    const struct kind *kind;
    enum state state;
    int fd;
    struct event *socket;
    struct event *timer;
    unsigned asked;    /* requests on this connection */
    uint64_t since_us; /* when the state was entered */
    uint64_t pause_us; /* how long it was idle before the request */
    uint64_t before;   /* bytes that came before this request */
    uint64_t received; /* bytes that came on this connection */
    long worker;       /* who answered last */
    struct response response;
};

static void wait_ms(struct connection *connection, unsigned ms);

static void
enter(struct connection *connection, enum state state)
{
    unsigned *active = &connection->client->active;

    *active -= connection->state == STATE_ASKING;
    *active += state == STATE_ASKING;
    connection->state = state;
    connection->since_us = now_us();
}

static void
disconnect(struct connection *connection)
{
    if (connection->socket != NULL) {
        event_free(connection->socket);
        connection->socket = NULL;
        close(connection->fd);
    }
    enter(connection, STATE_CLOSED);
}

/* Close, and connect again unless the client stops; the last one ends it. */
static void
end(struct connection *connection, unsigned retry_ms)
{
    disconnect(connection);
    if (!connection->client->is_stopping) {
        wait_ms(connection, retry_ms);
    } else if (connection->client->active == 0) {
        event_base_loopbreak(connection->client->base);
    }
}

/* --- failures ------------------------------------------------------------- */

static void
complain(struct connection *connection, const char *what)
{
    struct complaint complaint = {
        .at_us = now_us(),
        .what = what,
        .kind = connection->kind->name,
        .worker = connection->worker,
        .received = connection->received - connection->before,
    };

    tally_complain(&connection->client->tally, &complaint);
}

/* The connection failed; a request that was in flight is lost. */
static void
lose(struct connection *connection, const char *what)
{
    struct tally *tally = &connection->client->tally;

    if (connection->state != STATE_ASKING) {
        complain(connection, what);
    } else if (connection->pause_us >= connection->client->idle_us) {
        tally->raced++;
    } else {
        tally->lost++;
        complain(connection, what);
    }
    end(connection, 0);
}

static void
refuse(struct connection *connection, const char *what)
{
    connection->client->tally.refused++;
    complain(connection, what);
    end(connection, RETRY_MS);
}

static bool
is_too_long(const struct connection *connection)
{
    return connection->state == STATE_CONNECTING &&
        now_us() - connection->since_us > CONNECT_MAX_US;
}

static void
fail(struct connection *connection, int error)
{
    struct tally *tally = &connection->client->tally;

    if (error == ECONNREFUSED && connection->state == STATE_CONNECTING) {
        refuse(connection, "refused");
    } else if (error == ECONNRESET || error == EPIPE) {
        tally->reset++;
        lose(connection, "reset");
    } else {
        lose(connection, strerror(error));
    }
}

/* --- requests ------------------------------------------------------------- */

static bool
is_last(const struct connection *connection)
{
    return connection->kind->requests > 0 &&
        connection->asked >= connection->kind->requests;
}

static void
ask(struct connection *connection)
{
    struct tally *tally = &connection->client->tally;
    char request[512];
    int size;
    ssize_t sent;

    connection->asked++;
    connection->pause_us = now_us() - connection->since_us;
    connection->before = connection->received;
    size = snprintf(
        request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n",
        connection->client->path, is_last(connection) ? "close" : "keep-alive");
    sent = send(connection->fd, request, (size_t)size, MSG_NOSIGNAL);
    if (sent < 0) {
        fail(connection, errno);
        return;
    }
    response_start(&connection->response);
    tally->sent++;
    tally->bytes_sent += (uint64_t)sent;
    enter(connection, STATE_ASKING);
}

static void
finish(struct connection *connection)
{
    struct tally *tally = &connection->client->tally;

    if (connection->response.worker != 0) {
        connection->worker = connection->response.worker;
    }
    if (connection->response.is_wrong) {
        tally->wrong++;
        complain(connection, "wrong");
    } else {
        tally->answered++;
    }
    tally_latency(tally, now_us() - connection->since_us);
    if (connection->response.closes || is_last(connection) ||
        connection->client->is_stopping) {
        end(connection, 0);
        return;
    }
    enter(connection, STATE_PAUSING);
    wait_ms(connection, connection->kind->pause_ms);
}

static void
take_response(struct connection *connection, const char *data, size_t size)
{
    int taken = response_feed(
        &connection->response, &connection->client->expected, data, size);

    if (taken < 0) {
        lose(connection, "no response");
    } else if ((size_t)taken < size) {
        lose(connection, "more than was asked for");
    } else if (response_is_complete(&connection->response)) {
        finish(connection);
    }
}

/* The server ended it in order: right between two requests only. */
static void
take_end(struct connection *connection)
{
    if (connection->state == STATE_ASKING) {
        lose(connection, "closed");
    } else {
        connection->client->tally.closed++;
        end(connection, 0);
    }
}

/* --- events --------------------------------------------------------------- */

static void
read_some(struct connection *connection)
{
    static char data[RECEIVE_SIZE];
    ssize_t size = recv(connection->fd, data, sizeof(data), 0);

    if (size > 0) {
        connection->received += (uint64_t)size;
        connection->client->tally.bytes_received += (uint64_t)size;
        if (connection->state == STATE_ASKING) {
            take_response(connection, data, (size_t)size);
        } else {
            lose(connection, "nothing was asked for");
        }
    } else if (size == 0) {
        take_end(connection);
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(connection, errno);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *data);

static bool
watch(struct connection *connection, short what)
{
    connection->socket = event_new(
        connection->client->base, connection->fd, what | EV_PERSIST, on_socket,
        connection);
    return connection->socket != NULL &&
        event_add(connection->socket, NULL) == 0;
}

/* The handshake is over. */
static void
begin(struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(connection, error);
        return;
    }
    if (is_too_long(connection)) {
        refuse(connection, "connected late");
        return;
    }
    event_free(connection->socket);
    connection->client->tally.connections++;
    enter(connection, STATE_PAUSING);
    if (!watch(connection, EV_READ)) {
        abort();
    }
    wait_ms(connection, connection->kind->first_ms);
}

static void
on_socket(evutil_socket_t fd, short what, void *data)
{
    struct connection *connection = data;

    (void)fd;
    (void)what;
    if (connection->state == STATE_CONNECTING) {
        begin(connection);
    } else {
        read_some(connection);
    }
}

static void
start_connect(struct connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(connection->client->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;

    connection->asked = 0;
    connection->worker = 0;
    connection->received = 0;
    connection->before = 0;
    connection->fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || !watch(connection, EV_WRITE)) {
        abort();
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    enter(connection, STATE_CONNECTING);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) <
            0 &&
        errno != EINPROGRESS) {
        if (errno == EADDRNOTAVAIL) {
            connection->client->tally.unable++;
            end(connection, RETRY_MS);
        } else {
            fail(connection, errno);
        }
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *data)
{
    struct connection *connection = data;

    (void)fd;
    (void)what;
    if (connection->state == STATE_CLOSED) {
        start_connect(connection);
    } else {
        ask(connection);
    }
}

/* Go on after up to that many milliseconds, at once for 0. */
static void
wait_ms(struct connection *connection, unsigned ms)
{
    unsigned us = ms == 0 ? 0 : (unsigned)rand() % (1000 * ms);
    struct timeval pause = {us / 1000000, us % 1000000};

    if (us == 0) {
        event_active(connection->timer, EV_TIMEOUT, 0);
    } else {
        evtimer_add(connection->timer, &pause);
    }
}

/* --- for the program ------------------------------------------------------ */

struct connection *
connection_start(struct client *client, const struct kind *kind)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        return NULL;
    }
    connection->client = client;
    connection->kind = kind;
    connection->timer = evtimer_new(client->base, on_timer, connection);
    if (connection->timer == NULL) {
        free(connection);
        return NULL;
    }
    wait_ms(connection, 0);
    return connection;
}

void
connection_look(struct connection *connection)
{
    if (connection->state == STATE_ASKING &&
        now_us() - connection->since_us > connection->client->patience_us) {
        lose(connection, "no answer in time");
    } else if (is_too_long(connection)) {
        refuse(connection, "not connected in time");
    }
}

void
connection_stop(struct connection *connection)
{
    evtimer_del(connection->timer);
    connection_look(connection);
    if (connection->state != STATE_ASKING) {
        disconnect(connection);
    }
}
