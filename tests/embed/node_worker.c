/* A worker for a Node primary, as small as can be: it listens, answers each
   request with who it is, sends back each message, and leaves when told.

   usage: node_worker ... plain|refuses|starves|leaves|passes */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/check.h"
#include "core/event.h"
#include "core/log.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"
#include "server/channel/node_environment.h"

static struct coh_loop loop;
static struct coh_node_cluster cluster;
static struct coh_node_environment environment;
static struct event listener_event;
static struct coh_node_query query;
static char key[COH_NODE_KEY_MAX];
static const char *mode = "plain";
static struct rlimit limit; /* of descriptors, at start */

/* --- serving -------------------------------------------------------------- */

/* A request has come: answer it, whatever it asks. */
static void
on_request(evutil_socket_t fd, short what, void *user)
{
    char text[4096];
    ssize_t got = read(fd, text, sizeof(text));

    (void)what;
    (void)user;
    if (got > 0) {
        int size = snprintf(
            text, sizeof(text),
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"
            "worker %u\n",
            (unsigned)environment.worker_id);

        COH_CHECK(write(fd, text, (size_t)size) == size);
    }
    close(fd);
}

static void
serve(int fd)
{
    event_base_once(loop.base, fd, EV_READ, on_request, NULL, NULL);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    (void)user;
    if (connection >= 0) {
        serve(connection);
    }
}

static void
on_connection(
    struct coh_node_cluster *one, struct coh_node_connection *connection)
{
    COH_CHECK(coh_str_is(connection->key, key));
    if (strcmp(mode, "refuses") == 0 && environment.worker_id == 1) {
        coh_node_cluster_refuse(one, connection->seq);
        return;
    }
    coh_node_cluster_accept(one, connection->seq);
    coh_fd_set_nonblocking(connection->fd, true);
    serve(connection->fd);
    connection->fd = -1;
}

/* --- listening ------------------------------------------------------------ */

static uint16_t
listen_on(int fd)
{
    struct coh_addr address;

    COH_CHECK(listen(fd, 511) == 0);
    COH_CHECK(coh_addr_of_socket(fd, &address) == 0);
    event_assign(
        &listener_event, loop.base, fd, EV_READ | EV_PERSIST, on_acceptable,
        NULL);
    event_add(&listener_event, NULL);
    return coh_addr_port(&address);
}

static void
on_answer(
    struct coh_node_cluster *one, void *user, struct coh_node_reply *reply)
{
    (void)user;
    COH_CHECK(reply->lost == 0 && reply->error == 0);
    COH_CHECK(reply->key.size < sizeof(key));
    memcpy(key, reply->key.data, reply->key.size);
    if (reply->fd >= 0) {
        query.port.value = listen_on(reply->fd);
        reply->fd = -1;
    } else {
        COH_CHECK(reply->has_sockname);
        query.port.value = reply->sockname.port;
    }
    coh_node_cluster_listening(one, &query);
    if (strcmp(mode, "starves") == 0 && environment.worker_id == 1) {
        const struct rlimit none = {3, limit.rlim_max};

        COH_CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
}

static void
ask_to_listen(void)
{
    query = (struct coh_node_query){
        .address = {COH_NODE_GIVEN, COH_STR("127.0.0.1")},
        .port = {COH_NODE_GIVEN, 0},
        .index = {COH_NODE_GIVEN, 0},
        .flags = {COH_NODE_GIVEN, 0},
        .backlog = {COH_NODE_GIVEN, 511},
        .type = COH_NODE_TYPE_4,
    };
    COH_CHECK(coh_node_cluster_query(&cluster, &query, on_answer, NULL) >= 0);
}

/* --- messages ------------------------------------------------------------- */

static void
send_text(const char *text)
{
    COH_CHECK(
        coh_node_channel_send(&cluster.channel, cohort_str(text), NULL) >= 0);
}

static void
on_came_back(evutil_socket_t fd, short what, void *user)
{
    char came[64];
    char text[128];
    ssize_t got = read(fd, came, sizeof(came));

    (void)what;
    (void)user;
    snprintf(
        text, sizeof(text), "{\"came\":\"%.*s\"}", (int)(got < 0 ? 0 : got),
        came);
    send_text(text);
    close(fd);
}

static void
pass_socket(void)
{
    struct coh_node_pass pass = {
        .handle = COH_NODE_NET_SOCKET, .is_retried = true};
    int fds[2];

    COH_CHECK(coh_socket_pair(SOCK_STREAM, fds) == 0);
    pass.fd = fds[1];
    COH_CHECK(
        coh_node_channel_send(&cluster.channel, COH_STR("\"take\""), &pass) >=
        0);
    close(fds[1]);
    event_base_once(loop.base, fds[0], EV_READ, on_came_back, NULL, NULL);
}

static void
close_servers(void)
{
    coh_node_cluster_close(&cluster, cohort_str(key));
    if (event_initialized(&listener_event)) {
        event_del(&listener_event);
        close(event_get_fd(&listener_event));
    }
}

static void
on_exit_known(
    struct coh_node_cluster *one, void *user, struct coh_node_reply *reply)
{
    (void)user;
    COH_CHECK(reply->lost == 0);
    coh_node_channel_leave(&one->channel);
}

static void
on_message(struct coh_node_cluster *one, struct coh_node_message *message)
{
    if (coh_str_is(message->text, "\"leave\"")) {
        close_servers();
        coh_node_cluster_announce_exit(one, on_exit_known, NULL);
        return;
    }
    coh_node_channel_send(&one->channel, message->text, NULL);
}

static void
on_disconnect(struct coh_node_cluster *one)
{
    close_servers();
    coh_node_channel_leave(&one->channel);
}

static void
on_gone(struct coh_node_cluster *one)
{
    (void)one;
    coh_loop_stop(&loop);
}

static const struct coh_node_cluster_role role = {
    .peer = "primary",
    .connection = on_connection,
    .disconnect = on_disconnect,
    .message = on_message,
    .gone = on_gone,
};

int
main(int count, char **arguments)
{
    const char *why;
    char text[64];

    if (coh_node_environment_take(&environment, &why) < 0) {
        fprintf(stderr, "node_worker: %s\n", why);
        return 1;
    }
    if (count > 1) {
        mode = arguments[count - 1];
    }
    signal(SIGPIPE, SIG_IGN);
    COH_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    COH_CHECK(coh_loop_init(&loop, NULL) == 0);
    COH_CHECK(
        coh_node_cluster_init(
            &cluster, &loop, environment.channel_fd, &role, NULL,
            coh_log_stderr()) == 0);
    COH_CHECK(coh_node_cluster_online(&cluster) >= 0);
    snprintf(
        text, sizeof(text), "{\"hello\":%u}", (unsigned)environment.worker_id);
    send_text(text);
    ask_to_listen();
    if (strcmp(mode, "passes") == 0) {
        pass_socket();
    }
    coh_loop_run(&loop);
    setrlimit(RLIMIT_NOFILE, &limit);
    coh_node_cluster_fini(&cluster);
    coh_loop_fini(&loop);
    return 0;
}
