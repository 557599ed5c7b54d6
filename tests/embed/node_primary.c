/* A primary for Node programs, as small as can be: it starts workers, listens
   for them, hands connections over, and prints what they say.

   usage: node_primary rr|shared WINDOW COUNT PROGRAM [ARGUMENT...]

   Commands on standard input: "send ID JSON", "pass ID JSON" (with one end of a
   socket pair, whose other end is told what comes), "disconnect ID", "hangup
   ID", "accept off|on" (connections wait). End of input ends the workers. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/check.h"
#include "core/event.h"
#include "core/json.h"
#include "core/log.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_cluster.h"
#include "server/channel/node_environment.h"

#define WORKERS_MAX 8
#define LISTENERS_MAX 8
#define PENDING_MAX 1024

extern char **environ;

struct worker {
    struct coh_node_cluster cluster;
    unsigned id;
    pid_t pid;
    struct event exit_event;
    bool is_leaving;
};

struct listener {
    char key[COH_NODE_KEY_MAX];
    int fd;
    bool is_shared;
    struct coh_addr address;
    struct coh_json *data;
    struct event event;
    bool has_joined[WORKERS_MAX];
    unsigned under_way[WORKERS_MAX]; /* connections not answered yet */
    unsigned turn;                   /* whose it is */
    int pending[PENDING_MAX];        /* connections for nobody yet */
    unsigned pending_count;
};

/* A connection on its way. */
struct offer {
    struct listener *listener;
    int fd;
};

static struct coh_loop loop;
static struct worker workers[WORKERS_MAX];
static unsigned worker_count;
static unsigned running_count;
static struct listener listeners[LISTENERS_MAX];
static unsigned listener_count;
static bool is_round_robin;
static unsigned window;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* --- handing over --------------------------------------------------------- */

static void distribute(struct listener *listener);

static void
on_taken(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply)
{
    struct worker *worker = cluster->user;
    struct offer *offer = user;
    struct listener *listener = offer->listener;

    listener->under_way[worker->id - 1]--;
    if (reply->lost != 0 || !reply->is_accepted) {
        say("refused %u %d", worker->id, reply->lost);
        /* Not for this one again at once: the turn has passed on. */
        listener->pending[listener->pending_count++] = offer->fd;
    } else {
        close(offer->fd);
    }
    free(offer);
    distribute(listener);
}

/* Whose turn it is, or NULL when nobody has room. */
static struct worker *
next_worker(struct listener *listener)
{
    for (unsigned i = 0; i < worker_count; i++) {
        unsigned index = (listener->turn + i) % worker_count;

        if (listener->has_joined[index] &&
            listener->under_way[index] < window) {
            listener->turn = index + 1;
            return &workers[index];
        }
    }
    return NULL;
}

static void
distribute(struct listener *listener)
{
    struct worker *worker;

    while (listener->pending_count > 0 &&
           (worker = next_worker(listener)) != NULL) {
        struct offer *offer = malloc(sizeof(*offer));

        COH_CHECK(offer != NULL);
        offer->listener = listener;
        offer->fd = listener->pending[0];
        memmove(
            listener->pending, listener->pending + 1,
            --listener->pending_count * sizeof(int));
        listener->under_way[worker->id - 1]++;
        COH_CHECK(
            coh_node_cluster_hand_over(
                &worker->cluster, cohort_str(listener->key), offer->fd,
                on_taken, offer) >= 0);
    }
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct listener *listener = user;

    (void)what;
    while (listener->pending_count < PENDING_MAX) {
        int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (connection < 0) {
            break;
        }
        listener->pending[listener->pending_count++] = connection;
    }
    distribute(listener);
}

static void
leave_listener(struct listener *listener, unsigned index)
{
    listener->has_joined[index] = false;
    for (unsigned i = 0; i < worker_count; i++) {
        if (listener->has_joined[i]) {
            return;
        }
    }
    if (listener->fd >= 0) {
        if (!listener->is_shared) {
            event_del(&listener->event);
        }
        close(listener->fd);
        listener->fd = -1;
        say("closed %s", listener->key); /* from now on nobody can connect */
    }
}

/* --- listening ------------------------------------------------------------ */

static int
address_of(const struct coh_node_query *query, struct coh_addr *address)
{
    char text[256];
    const char *why;
    struct cohort_str host = query->address.presence == COH_NODE_GIVEN
        ? query->address.value
        : COH_STR("127.0.0.1"); /* a test keeps to loopback */
    bool is_v6 = coh_str_index(host, ':') >= 0;
    bool is_local = query->type == COH_NODE_TYPE_LOCAL;

    snprintf(
        text, sizeof(text), "%s%.*s%s",
        is_local    ? "unix:"
            : is_v6 ? "["
                    : "",
        (int)host.size, host.data,
        is_local    ? ""
            : is_v6 ? "]:1"
                    : ":1");
    if (coh_addr_parse(cohort_str(text), 1, address, &why) < 0) {
        return -EINVAL;
    }
    coh_addr_set_port(address, (uint16_t)query->port.value);
    return 0;
}

static int
open_socket(const struct coh_node_query *query)
{
    struct coh_addr address;
    int is_udp = query->type >= COH_NODE_TYPE_UDP4;
    int result;
    int fd;

    if (query->fd.presence == COH_NODE_GIVEN && query->fd.value >= 0) {
        fd = dup(query->fd.value);
        return fd < 0 ? -errno : fd;
    }
    result = address_of(query, &address);
    if (result < 0) {
        return result;
    }
    fd = socket(
        address.u.any.sa_family,
        (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    COH_CHECK(fd >= 0);
    coh_socket_option(fd, SOL_SOCKET, SO_REUSEADDR, !is_udp);
    if (bind(fd, &address.u.any, address.size) < 0) {
        result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

/* Returns 0, or -errno of bind or listen. */
static int
open_listener(struct listener *listener, const struct coh_node_query *query)
{
    listener->is_shared = !is_round_robin || query->type >= COH_NODE_TYPE_UDP4;
    listener->fd = open_socket(query);
    if (listener->fd < 0) {
        return listener->fd;
    }
    coh_addr_of_socket(listener->fd, &listener->address);
    if (listener->is_shared) {
        return 0;
    }
    coh_fd_set_nonblocking(listener->fd, true);
    if (listen(listener->fd, 511) < 0) {
        int result = -errno;

        close(listener->fd);
        listener->fd = -1;
        return result;
    }
    event_assign(
        &listener->event, loop.base, listener->fd, EV_READ | EV_PERSIST,
        on_acceptable, listener);
    event_add(&listener->event, NULL);
    return 0;
}

static struct listener *
find_listener(const char *key)
{
    for (unsigned i = 0; i < listener_count; i++) {
        if (listeners[i].fd >= 0 && strcmp(listeners[i].key, key) == 0) {
            return &listeners[i];
        }
    }
    COH_CHECK(listener_count < LISTENERS_MAX);
    memset(&listeners[listener_count], 0, sizeof(listeners[0]));
    listeners[listener_count].fd = -1;
    snprintf(
        listeners[listener_count].key, sizeof(listeners[0].key), "%s", key);
    return &listeners[listener_count];
}

static void
on_query(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_query *query)
{
    struct worker *worker = cluster->user;
    char key[COH_NODE_KEY_MAX];
    char host[COH_ADDR_TEXT_MAX];
    struct coh_node_sockname sockname;
    struct coh_node_answer answer = {.fd = -1};
    struct listener *listener;

    COH_CHECK(coh_node_query_key(query, key, sizeof(key)) > 0);
    say("query %u %s", worker->id, key);
    listener = find_listener(key);
    answer.key = cohort_str(key);
    if (listener->fd < 0) {
        answer.error = open_listener(listener, query);
        if (answer.error == 0) {
            listener_count++;
        }
    }
    if (answer.error == 0) {
        if (listener->data == NULL) {
            listener->data = coh_json_keep(query->data);
        }
        listener->has_joined[worker->id - 1] = true;
        answer.data = listener->data;
        if (listener->is_shared) {
            answer.fd = listener->fd;
        } else if (listener->address.u.any.sa_family != AF_UNIX) {
            sockname.address =
                cohort_str(coh_addr_format_host(&listener->address, host));
            sockname.port = coh_addr_port(&listener->address);
            sockname.is_v6 = listener->address.u.any.sa_family == AF_INET6;
            answer.sockname = &sockname;
        }
    }
    COH_CHECK(coh_node_cluster_answer(cluster, seq, &answer) >= 0);
    distribute(listener);
}

/* --- what else workers say ------------------------------------------------ */

static void
on_online(struct coh_node_cluster *cluster)
{
    say("online %u", ((struct worker *)cluster->user)->id);
}

static void
on_listening(
    struct coh_node_cluster *cluster, const struct coh_node_query *query)
{
    struct worker *worker = cluster->user;

    if (query->address.presence == COH_NODE_GIVEN) {
        say("listening %u %.*s %d", worker->id, (int)query->address.value.size,
            query->address.value.data, (int)query->port.value);
    } else {
        say("listening %u null %d", worker->id, (int)query->port.value);
    }
}

static void
on_closed(struct coh_node_cluster *cluster, struct cohort_str key)
{
    struct worker *worker = cluster->user;

    for (unsigned i = 0; i < listener_count; i++) {
        if (coh_str_is(key, listeners[i].key)) {
            leave_listener(&listeners[i], worker->id - 1);
        }
    }
}

static void
on_leaves(struct coh_node_cluster *cluster, uint64_t seq)
{
    struct worker *worker = cluster->user;

    worker->is_leaving = true;
    coh_node_cluster_acknowledge(cluster, seq);
}

static void
on_message(struct coh_node_cluster *cluster, struct coh_node_message *message)
{
    struct worker *worker = cluster->user;
    static const char greeting[] = "served by the primary\n";

    if (message->text.size > 1000) {
        say("message %u %zu bytes", worker->id, message->text.size);
    } else {
        say("message %u %.*s%s", worker->id, (int)message->text.size,
            message->text.data,
            message->handle == COH_NODE_NET_SOCKET ? " +socket" : "");
    }
    if (message->handle == COH_NODE_NET_SOCKET) {
        COH_CHECK(write(message->fd, greeting, sizeof(greeting) - 1) > 0);
    }
}

static void
leave_all(struct worker *worker)
{
    for (unsigned i = 0; i < listener_count; i++) {
        leave_listener(&listeners[i], worker->id - 1);
    }
}

static void
on_gone(struct coh_node_cluster *cluster)
{
    struct worker *worker = cluster->user;

    say("disconnect %u %s", worker->id,
        worker->is_leaving ? "voluntary" : "accidental");
    leave_all(worker);
}

static const struct coh_node_cluster_role role = {
    .peer = "worker",
    .online = on_online,
    .query = on_query,
    .listening = on_listening,
    .closed = on_closed,
    .leaves = on_leaves,
    .message = on_message,
    .gone = on_gone,
};

/* --- workers -------------------------------------------------------------- */

static void
on_exit_of(evutil_socket_t fd, short what, void *user)
{
    struct worker *worker = user;
    int status;

    (void)what;
    if (waitpid(worker->pid, &status, WNOHANG) != worker->pid) {
        return;
    }
    event_del(&worker->exit_event);
    close(fd);
    say("exit %u %d %d", worker->id,
        WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if (--running_count == 0) {
        coh_loop_stop(&loop);
    }
}

/* The environment of a worker; the array is the caller's to free. */
static char **
environment_of(struct coh_node_variables *variables)
{
    size_t count = 0;
    size_t kept = 0;
    char **result;

    while (environ[count] != NULL) {
        count++;
    }
    result = calloc(count + 4, sizeof(*result));
    COH_CHECK(result != NULL);
    for (size_t i = 0; i < count; i++) {
        if (!coh_node_is_variable(environ[i])) {
            result[kept++] = environ[i];
        }
    }
    result[kept++] = variables->channel_fd;
    result[kept++] = variables->worker_id;
    result[kept] = variables->serialization;
    return result;
}

static void
start_worker(char **command)
{
    struct worker *worker = &workers[worker_count++];
    struct coh_node_variables variables;
    posix_spawn_file_actions_t actions;
    char **environment;
    int fds[2];
    int pidfd;

    worker->id = worker_count;
    COH_CHECK(coh_socket_pair(SOCK_STREAM, fds) == 0);
    COH_CHECK(
        coh_node_cluster_init(
            &worker->cluster, &loop, fds[0], &role, worker, coh_log_stderr()) ==
        0);
    worker->cluster.channel.peer_id = worker->id;
    coh_node_variables_fill(&variables, 3, worker->id);
    environment = environment_of(&variables);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 3);
    COH_CHECK(
        posix_spawnp(
            &worker->pid, command[0], &actions, NULL, command, environment) ==
        0);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    close(fds[1]);
    pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
    COH_CHECK(pidfd >= 0);
    event_assign(
        &worker->exit_event, loop.base, pidfd, EV_READ | EV_PERSIST, on_exit_of,
        worker);
    event_add(&worker->exit_event, NULL);
    running_count++;
    say("fork %u %d", worker->id, (int)worker->pid);
}

/* --- commands ------------------------------------------------------------- */

static void
on_passed_back(evutil_socket_t fd, short what, void *user)
{
    char text[256];
    ssize_t size = read(fd, text, sizeof(text));

    (void)what;
    (void)user;
    if (size > 0) {
        say("came back %.*s", (int)size, text);
    }
    close(fd);
}

static void
pass_socket(struct worker *worker, struct cohort_str text)
{
    struct coh_node_pass pass = {
        .handle = COH_NODE_NET_SOCKET, .is_retried = true};
    int fds[2];

    COH_CHECK(coh_socket_pair(SOCK_STREAM, fds) == 0);
    pass.fd = fds[1];
    COH_CHECK(
        coh_node_channel_send(&worker->cluster.channel, text, &pass) >= 0);
    close(fds[1]);
    event_base_once(loop.base, fds[0], EV_READ, on_passed_back, NULL, NULL);
}

static void
switch_accept(bool on)
{
    for (unsigned i = 0; i < listener_count; i++) {
        if (listeners[i].fd >= 0 && !listeners[i].is_shared) {
            if (on) {
                event_add(&listeners[i].event, NULL);
            } else {
                event_del(&listeners[i].event);
            }
        }
    }
}

static void
obey(char *line)
{
    char *verb = strtok(line, " ");
    char *name = strtok(NULL, " ");
    char *rest = strtok(NULL, "");
    struct worker *worker;

    COH_CHECK(verb != NULL && name != NULL);
    if (strcmp(verb, "accept") == 0) {
        switch_accept(strcmp(name, "on") == 0);
        return;
    }
    worker = &workers[atoi(name) - 1];
    if (strcmp(verb, "send") == 0) {
        COH_CHECK(
            coh_node_channel_send(
                &worker->cluster.channel, cohort_str(rest), NULL) >= 0);
    } else if (strcmp(verb, "pass") == 0) {
        pass_socket(worker, cohort_str(rest));
    } else if (strcmp(verb, "disconnect") == 0) {
        worker->is_leaving = true;
        coh_node_cluster_disconnect(&worker->cluster);
        leave_all(worker);
    } else if (strcmp(verb, "hangup") == 0) {
        coh_node_channel_leave(&worker->cluster.channel);
    }
}

static void
on_command(evutil_socket_t fd, short what, void *user)
{
    static char text[2 * 1024 * 1024];
    static size_t size;
    ssize_t got = read(fd, text + size, sizeof(text) - size - 1);
    char *newline;

    (void)what;
    if (got <= 0) {
        event_del(user);
        for (unsigned i = 0; i < worker_count; i++) {
            kill(workers[i].pid, SIGTERM);
        }
        return;
    }
    size += (size_t)got;
    text[size] = '\0';
    while ((newline = strchr(text, '\n')) != NULL) {
        *newline = '\0';
        obey(text);
        size -= (size_t)(newline + 1 - text);
        memmove(text, newline + 1, size + 1);
    }
}

int
main(int count, char **arguments)
{
    struct event command_event;

    COH_CHECK(count >= 5);
    is_round_robin = strcmp(arguments[1], "rr") == 0;
    window = (unsigned)atoi(arguments[2]);
    signal(SIGPIPE, SIG_IGN);
    COH_CHECK(coh_loop_init(&loop, NULL) == 0);
    event_assign(
        &command_event, loop.base, STDIN_FILENO, EV_READ | EV_PERSIST,
        on_command, &command_event);
    event_add(&command_event, NULL);
    for (int i = 0; i < atoi(arguments[3]); i++) {
        start_worker(arguments + 4);
    }
    coh_loop_run(&loop);
    for (unsigned i = 0; i < worker_count; i++) {
        coh_node_cluster_fini(&workers[i].cluster);
    }
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        coh_json_free(listeners[i].data);
    }
    event_del(&command_event);
    coh_loop_fini(&loop);
    return 0;
}
