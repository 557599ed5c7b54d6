/* A primary that does what lines on standard input say, and prints what it is
   told, a line per event. As a worker (of itself) it says how it was started.

   setup NAME VALUE...   policy NAME    fork [NAME=VALUE...]   settings
   send ID TEXT          handle ID FD [keep]   disconnect ID [MS]   all
   flood ID [SIZE]
   kill ID [SIGNAL]      hang_up ID     state ID    workers    stdio ID N
   open PORT [listen|udp]              close FD   quit */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <cohort/cluster.h>

#define WORDS_MAX 32

static struct cohort_primary *primary;

/* --- what it is told ------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* user: "worker" or "cluster". */
static void
on_setup(
    struct cohort_primary *of, const struct cohort_settings *settings,
    void *user)
{
    (void)of;
    say("%s setup %s", (const char *)user, settings->exec);
}

static void
on_fork(struct cohort_worker *worker, void *user)
{
    say("%s fork %u", (const char *)user, cohort_worker_id(worker));
}

static void
on_online(struct cohort_worker *worker, void *user)
{
    say("%s online %u", (const char *)user, cohort_worker_id(worker));
}

static void
on_ready(struct cohort_worker *worker, void *user)
{
    say("%s ready %u", (const char *)user, cohort_worker_id(worker));
}

static void
on_stuck(struct cohort_worker *worker, const char *why, void *user)
{
    say("%s stuck %u %d: %s", (const char *)user, cohort_worker_id(worker),
        cohort_worker_is_stuck(worker), why);
}

static void
on_listening(
    struct cohort_worker *worker, const struct cohort_address *address,
    void *user)
{
    const char *family = address->family == AF_INET ? "4"
        : address->family == AF_INET6               ? "6"
                                                    : "unix";

    say("%s listening %u %s%s %s %d fd %d", (const char *)user,
        cohort_worker_id(worker), address->is_udp ? "udp" : "", family,
        address->host != NULL ? address->host : "-", address->port,
        address->fd);
}

static void
on_message(
    struct cohort_worker *worker, struct cohort_message *message, void *user)
{
    bool has_handle = false;

    if (strcmp(user, "cluster") == 0 && message->fd >= 0) {
        int fd = message->fd;

        message->fd = -1;
        has_handle = send(fd, "from the primary\n", 17, MSG_NOSIGNAL) == 17;
        close(fd);
    }
    say("%s message %u %.*s%s", (const char *)user, cohort_worker_id(worker),
        message->size > 200 ? 200 : (int)message->size,
        (const char *)message->data, has_handle ? " with a handle" : "");
}

static void
on_disconnect(struct cohort_worker *worker, void *user)
{
    say("%s disconnect %u", (const char *)user, cohort_worker_id(worker));
}

static void
on_exit_of_worker(
    struct cohort_worker *worker, const struct cohort_exit *how, void *user)
{
    static const char *const leaving[] = {"unknown", "voluntary", "accidental"};

    say("%s exit %u code %d signal %d %s %s", (const char *)user,
        cohort_worker_id(worker), how->code, how->signal,
        cohort_reason_name(how->reason),
        leaving[cohort_worker_leaving(worker)]);
    say("at exit %u connected %d dead %d state %d kill %d",
        cohort_worker_id(worker), cohort_worker_is_connected(worker),
        cohort_worker_is_dead(worker), (int)cohort_worker_state(worker),
        cohort_worker_kill(worker, 0));
}

static void
on_error(struct cohort_worker *worker, int error, const char *what, void *user)
{
    say("%s error %u %s: %s", (const char *)user, cohort_worker_id(worker),
        what, strerror(-error));
}

static void
on_accept_paused(
    struct cohort_primary *of, const struct cohort_address *address,
    bool is_paused, void *user)
{
    (void)of;
    say("%s accept_%s %d", (const char *)user, is_paused ? "paused" : "resumed",
        address->port);
}

static void
on_drop(
    struct cohort_primary *of, const struct cohort_address *address,
    unsigned count, void *user)
{
    (void)of;
    say("%s drop %d of port %d", (const char *)user, (int)count, address->port);
}

static const struct cohort_events events = {
    .on_setup = on_setup,
    .on_fork = on_fork,
    .on_online = on_online,
    .on_ready = on_ready,
    .on_listening = on_listening,
    .on_stuck = on_stuck,
    .on_message = on_message,
    .on_disconnect = on_disconnect,
    .on_exit = on_exit_of_worker,
    .on_error = on_error,
    .on_accept_paused = on_accept_paused,
    .on_drop = on_drop,
};

static char worker_level[] = "worker";
static char cluster_level[] = "cluster";

/* --- what it is to do ----------------------------------------------------- */

/* "pipe", "null", "inherit", "ipc", "fd:N" or a path. */
static struct cohort_stdio
stdio_of(const char *word)
{
    struct cohort_stdio entry = {.fd = -1};

    if (strcmp(word, "pipe") == 0) {
        entry.kind = COHORT_STDIO_PIPE;
    } else if (strcmp(word, "null") == 0) {
        entry.kind = COHORT_STDIO_NULL;
    } else if (strcmp(word, "ipc") == 0) {
        entry.kind = COHORT_STDIO_IPC;
    } else if (strncmp(word, "fd:", 3) == 0) {
        entry.kind = COHORT_STDIO_FD;
        entry.fd = atoi(word + 3);
    } else if (strcmp(word, "inherit") != 0) {
        entry.kind = COHORT_STDIO_FILE;
        entry.path = word;
    }
    return entry;
}

/* Every second one from the port on that it was given; 0: none. */
static int
next_port(void *user)
{
    int *port = (int *)user;
    int given = *port;

    *port += given != 0 ? 2 : 0;
    return given;
}

static void
do_setup(char **words)
{
    static int first_port;
    struct cohort_stdio list[WORDS_MAX];
    struct cohort_settings settings = {0};
    const char *const *values = (const char *const *)words + 2;
    const char *name = words[1];
    const char *value = words[2] != NULL ? words[2] : "";
    int result;

    if (strcmp(name, "exec") == 0) {
        settings.exec = value;
    } else if (strcmp(name, "args") == 0) {
        settings.args = values;
    } else if (strcmp(name, "exec_args") == 0) {
        settings.exec_args = values;
    } else if (strcmp(name, "environment") == 0) {
        settings.environment = values;
    } else if (strcmp(name, "cwd") == 0) {
        settings.cwd = value;
    } else if (strcmp(name, "silent") == 0) {
        settings.silent = value[0] == 'y' ? COHORT_YES : COHORT_NO;
    } else if (strcmp(name, "protocol") == 0) {
        settings.protocol = value[0] == 'n' ? COHORT_PROTOCOL_NODE
            : value[0] == 'l'               ? COHORT_PROTOCOL_LISTEN_FDS
                                            : COHORT_PROTOCOL_COHORT;
    } else if (strcmp(name, "serialization") == 0) {
        settings.serialization = value[0] == 'j' ? COHORT_SERIALIZATION_JSON
            : value[0] == 'b'                    ? COHORT_SERIALIZATION_BINARY
                              : (enum cohort_serialization)atoi(value);
    } else if (strcmp(name, "user") == 0) {
        settings.user = value;
    } else if (strcmp(name, "group") == 0) {
        settings.group = value;
    } else if (strcmp(name, "groups") == 0) {
        settings.groups = values;
    } else if (strcmp(name, "inspect_port") == 0) {
        settings.inspect_port = atoi(value);
        settings.inspect_port_next = value[0] == 'f' ? next_port : NULL;
        settings.inspect_port_user = &first_port;
        first_port = words[3] != NULL ? atoi(words[3]) : 0;
    } else if (strcmp(name, "watchdog_ms") == 0) {
        settings.watchdog_ms = atoi(value);
    } else if (strcmp(name, "windows_hide") == 0) {
        settings.windows_hide = COHORT_YES;
    } else if (strcmp(name, "stdio") == 0) {
        settings.stdio = list;
        for (; values[settings.stdio_count] != NULL; settings.stdio_count++) {
            list[settings.stdio_count] = stdio_of(values[settings.stdio_count]);
        }
    }
    result = cohort_primary_setup(primary, &settings);
    say("setup: %d", result);
}

static void
do_policy(const char *name)
{
    static const char *const names[] = {
        "default", "round_robin", "least_conn", "shared", "reuseport"};

    int number = atoi(name); /* of one that has no name */

    for (int i = 0; i < 5; i++) {
        number = strcmp(names[i], name) == 0 ? i : number;
    }
    if (number > 0) {
        say("policy: %d",
            cohort_primary_set_policy(primary, (enum cohort_policy)number));
    }
    say("policy is %s", names[cohort_primary_policy(primary)]);
}

static void
do_fork(char **words)
{
    struct cohort_worker *worker = NULL;
    int result = cohort_fork(primary, (const char *const *)words + 1, &worker);

    if (result < 0) {
        say("fork: %s", strerror(-result));
        return;
    }
    cohort_worker_listen(worker, &events, worker_level);
    say("forked %u pid %d connected %d dead %d", cohort_worker_id(worker),
        (int)cohort_worker_pid(worker), cohort_worker_is_connected(worker),
        cohort_worker_is_dead(worker));
}

static void
do_settings(void)
{
    const struct cohort_settings *settings = cohort_primary_settings(primary);

    printf("settings exec %s", settings->exec != NULL ? settings->exec : "-");
    for (size_t i = 0; settings->args != NULL && settings->args[i] != NULL;
         i++) {
        printf(" %s", settings->args[i]);
    }
    say(" silent %d serialization %d stdio %zu", (int)settings->silent,
        (int)settings->serialization, settings->stdio_count);
}

static void
on_sent(int result, void *user)
{
    say("sent: %d to %u", result, (unsigned)(uintptr_t)user);
}

static void
do_send(struct cohort_worker *worker, const char *text, int fd, bool keep_open)
{
    const struct cohort_send options = {
        .fd = fd,
        .keep_open = keep_open,
        .on_sent = on_sent,
        .user = (void *)(uintptr_t)cohort_worker_id(worker),
    };

    say("send: %d",
        cohort_worker_send_with(worker, text, strlen(text), &options));
}

/* Messages of that size until one does not fit any more. */
static void
do_flood(struct cohort_worker *worker, size_t size)
{
    static char text[64 * 1024];
    unsigned count = 0;
    bool is_pressed = false;
    int result;

    if (size < 2 || size > sizeof(text)) {
        size = sizeof(text);
    }
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    do {
        result = cohort_worker_send(worker, text, size);
        is_pressed |= result == COHORT_BACKPRESSURE;
        count++;
    } while (result >= 0 && count < 10000);
    say("flood: %s%s", is_pressed ? "pressed, then " : "",
        result < 0 ? strerror(-result) : "taken");
}

static void
do_state(const struct cohort_worker *worker)
{
    static const char *const names[] = {
        "none", "online", "listening", "disconnected", "dead"};

    say("state %s connected %d dead %d leaving %d%s",
        names[cohort_worker_state(worker)], cohort_worker_is_connected(worker),
        cohort_worker_is_dead(worker), (int)cohort_worker_leaving(worker),
        cohort_worker_is_stuck(worker) ? " stuck" : "");
}

static void
do_workers(void)
{
    struct cohort_worker *worker = cohort_worker_first(primary);

    printf("workers %u:", cohort_worker_count(primary));
    for (; worker != NULL; worker = cohort_worker_next(worker)) {
        printf(" %u", cohort_worker_id(worker));
    }
    putchar('\n');
    fflush(stdout);
}

static void
do_stdio(struct cohort_worker *worker, unsigned index)
{
    char text[256];
    int fd = cohort_worker_stdio(worker, index);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (size < 0) {
        say("stdio: %s", fd < 0 ? "none" : strerror(errno));
        return;
    }
    say("stdio: %.*s", (int)size, text);
}

/* A bound socket for workers to listen on by its number, or to be passed as a
   handle: kind is "listen", "udp" or nothing. */
static void
do_open(int port, const char *kind)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
    bool is_udp = kind != NULL && strcmp(kind, "udp") == 0;
    int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror("bind");
    }
    if (kind != NULL && !is_udp) {
        listen(fd, 16);
    }
    say("opened %d", fd);
}

static void
on_all_gone(struct cohort_primary *of, void *user)
{
    (void)user;
    say("all gone, %u left", cohort_worker_count(of));
}

static bool
do_with_worker(char **words, const char *text)
{
    struct cohort_worker *worker = words[1] != NULL
        ? cohort_worker_of_id(primary, (unsigned)atoi(words[1]))
        : NULL;
    const char *name = words[0];
    int number = words[1] != NULL && words[2] != NULL ? atoi(words[2]) : 0;

    if (worker == NULL) {
        say("no worker %s", words[1] != NULL ? words[1] : "");
        return true;
    }
    if (strcmp(name, "send") == 0) {
        do_send(worker, text, -1, false);
    } else if (strcmp(name, "handle") == 0) {
        do_send(worker, "\"handle\"", number, words[3] != NULL);
        say("fd %s", fcntl(number, F_GETFD) < 0 ? "closed" : "open");
    } else if (strcmp(name, "flood") == 0) {
        do_flood(worker, (size_t)number);
    } else if (strcmp(name, "disconnect") == 0) {
        say("disconnect: %d",
            cohort_worker_disconnect(worker, (unsigned)number));
    } else if (strcmp(name, "kill") == 0) {
        say("kill: %d", cohort_worker_kill(worker, number));
    } else if (strcmp(name, "hang_up") == 0) {
        cohort_worker_hang_up(worker);
    } else if (strcmp(name, "state") == 0) {
        do_state(worker);
    } else if (strcmp(name, "stdio") == 0) {
        do_stdio(worker, (unsigned)number);
    } else {
        return false;
    }
    return true;
}

static void
do_line(char *line)
{
    char copy[8192];
    char *words[WORDS_MAX + 1] = {NULL};
    const char *text;
    size_t count = 0;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    if (count == 0) {
        return;
    }
    text = count > 2 ? line + (words[2] - copy) : "";
    if (strcmp(words[0], "setup") == 0) {
        do_setup(words);
    } else if (strcmp(words[0], "policy") == 0) {
        do_policy(words[1]);
    } else if (strcmp(words[0], "fork") == 0) {
        do_fork(words);
    } else if (strcmp(words[0], "settings") == 0) {
        do_settings();
    } else if (strcmp(words[0], "workers") == 0) {
        do_workers();
    } else if (strcmp(words[0], "open") == 0) {
        do_open(atoi(words[1]), words[2]);
    } else if (strcmp(words[0], "close") == 0) {
        close(atoi(words[1]));
    } else if (strcmp(words[0], "all") == 0) {
        cohort_primary_disconnect(primary, on_all_gone, NULL);
        say("asked");
    } else if (strcmp(words[0], "quit") == 0) {
        cohort_primary_stop(primary);
    } else if (!do_with_worker(words, text)) {
        say("unknown: %s", words[0]);
    }
}

static void
on_input(evutil_socket_t fd, short what, void *user)
{
    static char buffer[8192];
    static size_t size;
    ssize_t got = read(fd, buffer + size, sizeof(buffer) - 1 - size);
    char *end;

    (void)what;
    (void)user;
    if (got <= 0) {
        cohort_primary_stop(primary);
        return;
    }
    size += (size_t)got;
    buffer[size] = '\0';
    while ((end = strchr(buffer, '\n')) != NULL) {
        *end = '\0';
        do_line(buffer);
        size -= (size_t)(end + 1 - buffer);
        memmove(buffer, end + 1, size + 1);
    }
}

/* --- as a worker ---------------------------------------------------------- */

static int
run_worker(int argc, char **argv)
{
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);
    char text[1024] = "\"words";
    size_t size = strlen(text);

    for (int i = 1; i < argc; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof(text) - size, " %s", argv[i]);
    }
    size += (size_t)snprintf(text + size, sizeof(text) - size, "\"");
    cohort_self_send(self, text, size);
    argc = cohort_self_run(self);
    cohort_self_free(self);
    return argc;
}

int
main(int argc, char **argv)
{
    struct event_base *base = NULL;
    struct event *input;

    if (cohort_is_worker()) {
        return run_worker(argc, argv);
    }
    if (getenv("OWN_BASE") != NULL) {
        base = event_base_new();
    }
    primary = cohort_primary_new(base);
    cohort_primary_listen(primary, &events, cluster_level);
    input = event_new(
        cohort_primary_event_base(primary), STDIN_FILENO, EV_READ | EV_PERSIST,
        on_input, NULL);
    event_add(input, NULL);
    say("primary %d worker %d self %d", cohort_is_primary(), cohort_is_worker(),
        cohort_self_current() != NULL);
    /* It lives as long as its input, workers or not. */
    event_base_loop(
        cohort_primary_event_base(primary), EVLOOP_NO_EXIT_ON_EMPTY);
    event_free(input);
    cohort_primary_free(primary);
    if (base != NULL) {
        event_base_free(base);
    }
    return 0;
}
