/* A worker that does what messages say, each a JSON string of words; under our
   primary or a real Node one.

   listen ADDRESS|fd:N|own:PORT|tcp:PORT [policy=NAME exclusive udp max=N drop
       backlog=N mode=OCTAL ipv6only hold closing]
   close N   limit N MAX   release   count   disconnect   kill   hang_up [kill]
   datagram N
   secret NAME SIZE SECONDS   reveal INDEX AGE
   exit N   abort   spin   show   grandchild   pass   flood   fds   let_go */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <cohort/cluster.h>

#define WORDS_MAX 16
#define LISTENINGS_MAX 64
#define HELD_MAX 4096
#define SHOWN_SIZE 90 /* bytes of a secret */

static struct cohort_self *self;
static struct cohort_listening *listenings[LISTENINGS_MAX];
static unsigned listening_count;
static bool is_holding;
static bool is_closing;
static struct {
    struct cohort_listening *listening;
    int fd;
} held[HELD_MAX];
static unsigned held_count;

__attribute__((format(printf, 1, 2))) static void
say(const char *format, ...)
{
    char text[512] = "\"";
    size_t size;
    va_list arguments;

    va_start(arguments, format);
    size = 1 + (size_t)vsnprintf(text + 1, sizeof(text) - 2, format, arguments);
    va_end(arguments);
    text[size] = '"';
    cohort_self_send(self, text, size + 1);
}

/* --- listening ------------------------------------------------------------ */

static unsigned
number_of(const struct cohort_listening *listening)
{
    unsigned i = 0;

    while (i < listening_count && listenings[i] != listening) {
        i++;
    }
    return i;
}

static void
on_listening(
    struct cohort_listening *listening, int error, const char *why, void *user)
{
    const struct cohort_address *address = cohort_listening_address(listening);

    (void)user;
    if (error < 0) {
        say("error %s: %s", strerror(-error), why);
        return;
    }
    say("listens %u on %s:%d", number_of(listening),
        address->host != NULL ? address->host : "-", address->port);
    if (is_closing) {
        cohort_listening_close(listening);
    }
}

static void
on_connection(struct cohort_listening *listening, int fd, void *user)
{
    (void)user;
    dprintf(fd, "%u\n", cohort_self_id(self));
    if (!is_holding || held_count == HELD_MAX) {
        cohort_connection_close(listening, fd);
        return;
    }
    held[held_count].listening = listening;
    held[held_count++].fd = fd;
}

static void
on_drop(struct cohort_listening *listening, void *user)
{
    (void)user;
    say("drop %u", number_of(listening));
}

static void
on_closed(struct cohort_listening *listening, void *user)
{
    (void)user;
    say("closed %u", number_of(listening));
}

static void
release(void)
{
    while (held_count > 0) {
        held_count--;
        cohort_connection_close(
            held[held_count].listening, held[held_count].fd);
    }
}

static enum cohort_policy
policy_of(const char *name)
{
    static const char *const names[] = {
        "default", "round_robin", "least_conn", "shared", "reuseport"};
    unsigned i = 0;

    while (i < 5 && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum cohort_policy)(i < 5 ? i : 0);
}

static void
set_option(struct cohort_listen_settings *settings, const char *word)
{
    const char *value = strchr(word, '=');
    int number = value != NULL ? atoi(value + 1) : 0;

    if (strncmp(word, "policy=", 7) == 0) {
        settings->socket.policy = policy_of(value + 1);
    } else if (strncmp(word, "max=", 4) == 0) {
        settings->connection_max = (unsigned)number;
    } else if (strncmp(word, "backlog=", 8) == 0) {
        settings->socket.backlog = number;
    } else if (strncmp(word, "mode=", 5) == 0) {
        settings->socket.mode = (unsigned)strtoul(value + 1, NULL, 8);
    } else if (strcmp(word, "exclusive") == 0) {
        settings->is_exclusive = true;
    } else if (strcmp(word, "udp") == 0) {
        settings->is_udp = true;
    } else if (strcmp(word, "drop") == 0) {
        settings->when_full = COHORT_FULL_DROP;
    } else if (strcmp(word, "ipv6only") == 0) {
        settings->socket.ipv6only = true;
    } else if (strcmp(word, "closing") == 0) {
        is_closing = true;
    } else if (strcmp(word, "hold") == 0) {
        is_holding = true;
    }
}

static int
own_socket(int port, bool is_udp)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
    int fd = socket(AF_INET, is_udp ? SOCK_DGRAM : SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        say("error %s", strerror(errno));
    }
    return fd;
}

static void
do_listen(char **words)
{
    struct cohort_listen_settings settings = {
        .on_listening = on_listening,
        .on_connection = on_connection,
        .on_drop = on_drop,
        .on_closed = on_closed,
    };
    struct cohort_listening **made = &listenings[listening_count];
    int result;

    for (char **word = words + 2; *word != NULL; word++) {
        set_option(&settings, *word);
    }
    if (strncmp(words[1], "fd:", 3) == 0) {
        result =
            cohort_self_listen_fd(self, atoi(words[1] + 3), &settings, made);
    } else if (strncmp(words[1], "own:", 4) == 0) {
        result = cohort_self_listen_adopt(
            self, own_socket(atoi(words[1] + 4), settings.is_udp), &settings,
            made);
    } else if (strncmp(words[1], "tcp:", 4) == 0) {
        result = cohort_self_listen_adopt(
            self, own_socket(atoi(words[1] + 4), false), &settings, made);
    } else {
        result = cohort_self_listen(self, words[1], &settings, made);
    }
    if (result < 0) {
        say("listen: %s", strerror(-result));
    } else {
        listening_count++;
    }
}

/* Wait for a datagram, and answer who we are. */
static void
answer_datagram(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    char text[16];

    if (poll(&readable, 1, 5000) != 1 ||
        recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size) <
            0) {
        say("no datagram");
        return;
    }
    snprintf(text, sizeof(text), "%u\n", cohort_self_id(self));
    sendto(fd, text, strlen(text), 0, (struct sockaddr *)&from, size);
}

static void
do_with_listening(char **words)
{
    unsigned number = words[1] != NULL ? (unsigned)atoi(words[1]) : 0;

    if (number >= listening_count) {
        return;
    }
    if (strcmp(words[0], "close") == 0) {
        cohort_listening_close(listenings[number]);
    } else if (strcmp(words[0], "limit") == 0) {
        cohort_listening_limit(
            listenings[number], (unsigned)atoi(words[2]), COHORT_FULL_NEXT);
    } else if (strcmp(words[0], "count") == 0) {
        say("count %u", cohort_listening_connection_count(listenings[number]));
    } else if (strcmp(words[0], "datagram") == 0) {
        answer_datagram(cohort_listening_fd(listenings[number]));
    }
}

/* --- what it is ----------------------------------------------------------- */

static int kept = -1; /* a handle */

static unsigned
count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count - 3;
}

static void
show(const char *what)
{
    char folder[256];

    if (strcmp(what, "env") == 0) {
        say("env %s|%s|%s|%s", getenv("COHORT_WORKER_ID"),
            getenv("COHORT_CHANNEL_FD"), getenv("NODE_UNIQUE_ID"),
            getenv("EXTRA"));
    } else if (strcmp(what, "cwd") == 0) {
        say("cwd %s", getcwd(folder, sizeof(folder)));
    } else if (strcmp(what, "ids") == 0) {
        say("ids %d %d %d", (int)getuid(), (int)getgid(), getgroups(0, NULL));
    } else if (strcmp(what, "self") == 0) {
        say("self %u primary %d worker %d current %d connected %d leaving %d",
            cohort_self_id(self), cohort_is_primary(), cohort_is_worker(),
            cohort_self_current() == self, cohort_self_is_connected(self),
            cohort_self_is_leaving(self));
    } else if (strcmp(what, "fds") == 0) {
        say("fds %u", count_fds());
    } else if (strcmp(what, "primary") == 0) {
        say("primary %s",
            cohort_primary_new(NULL) == NULL ? strerror(errno) : "made");
    }
}

/* A process of its own must not take itself for a worker. */
static void
start_grandchild(void)
{
    FILE *answer = popen(
        "env | grep -c -e COHORT_WORKER -e COHORT_CHANNEL -e NODE_UNIQUE_ID -e NODE_CHANNEL; true",
        "r");
    char text[64] = "";

    if (answer != NULL && fgets(text, sizeof(text), answer) != NULL) {
        text[strcspn(text, "\n")] = '\0';
    }
    say("grandchild %s", text);
    if (answer != NULL) {
        pclose(answer);
    }
}

/* --- secrets -------------------------------------------------------------- */

static void
ask_secret(char **words)
{
    size_t index = 0;
    int result = cohort_self_ask_secret(
        self, words[1], strtoul(words[2], NULL, 10),
        strtoull(words[3], NULL, 10), &index);

    if (result < 0) {
        say("secret refused: %s", strerror(-result));
    } else {
        say("secret %zu", index);
    }
}

static void
reveal(char **words)
{
    unsigned char bytes[COHORT_SECRET_SIZE_MAX];
    char text[2 * SHOWN_SIZE + 1] = "";
    int result;

    memset(bytes, 0, sizeof(bytes));
    result = cohort_self_secret(
        self, strtoul(words[1], NULL, 10),
        (enum cohort_secret_age)atoi(words[2]), bytes);
    for (size_t i = 0; i < SHOWN_SIZE; i++) {
        sprintf(text + 2 * i, "%02x", bytes[i]);
    }
    say("is %s", result < 0 ? strerror(-result) : text);
}

/* --- messages ------------------------------------------------------------- */

static void
pass_socket(void)
{
    struct cohort_send options = {0};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
        write(pair[0], "hello", 5) == 5) {
        options.fd = pair[1];
        cohort_self_send_with(self, "\"a socket\"", 10, &options);
    }
}

static void
flood(void)
{
    static char text[64 * 1024];
    unsigned count = 0;
    int result;

    memset(text, 'x', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"';
    do {
        result = cohort_self_send(self, text, sizeof(text));
    } while (result == 0 && ++count < 1000);
    say("flood %s", result == COHORT_BACKPRESSURE ? "pressed" : "taken");
}

static void
starve(void)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = count_fds();
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void
feed(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void
obey(char **words)
{
    const char *name = words[0];

    if (strcmp(name, "listen") == 0) {
        do_listen(words);
    } else if (strcmp(name, "show") == 0) {
        show(words[1]);
    } else if (strcmp(name, "release") == 0) {
        release();
    } else if (strcmp(name, "secret") == 0) {
        ask_secret(words);
    } else if (strcmp(name, "reveal") == 0) {
        reveal(words);
    } else if (strcmp(name, "disconnect") == 0) {
        cohort_self_disconnect(self);
    } else if (strcmp(name, "kill") == 0) {
        cohort_self_kill(self);
    } else if (strcmp(name, "hang_up") == 0) {
        cohort_self_hang_up(self);
        if (words[1] != NULL) {
            cohort_self_kill(self);
        }
    } else if (strcmp(name, "exit") == 0) {
        exit(atoi(words[1]));
    } else if (strcmp(name, "abort") == 0) {
        abort();
    } else if (strcmp(name, "spin") == 0) {
        if (getenv("DEAF") != NULL) {
            signal(SIGTERM, SIG_IGN);
        }
        say("spins");
        while (true) {
            sleep(1000); /* a signal that is handled ends one */
        }
    } else if (strcmp(name, "grandchild") == 0) {
        start_grandchild();
    } else if (strcmp(name, "let_go") == 0) {
        close(kept);
    } else if (strcmp(name, "pass") == 0) {
        pass_socket();
    } else if (strcmp(name, "flood") == 0) {
        flood();
    } else if (strcmp(name, "starve") == 0) {
        starve();
    } else if (strcmp(name, "feed") == 0) {
        feed();
    } else if (strcmp(name, "hello") == 0) {
        say("hello");
    } else {
        do_with_listening(words);
    }
}

static void
take_handle(struct cohort_message *message)
{
    int fd = message->fd;

    message->fd = -1;
    if (strcmp(message->data, "\"keep\"") == 0) {
        kept = fd;
        say("kept it");
        return;
    }
    say("got a handle that %s",
        write(fd, "from the worker\n", 16) == 16 ? "takes" : "takes nothing");
    close(fd);
}

static void
on_message(struct cohort_self *of, struct cohort_message *message, void *user)
{
    char copy[1024];
    char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;

    (void)of;
    (void)user;
    if (message->fd >= 0) {
        take_handle(message);
        return;
    }
    snprintf(copy, sizeof(copy), "%s", (const char *)message->data);
    for (char *word = strtok(copy, " \""); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " \"")) {
        words[count++] = word;
    }
    if (count > 0) {
        obey(words);
    }
}

static void
on_leave(struct cohort_self *of, void *user)
{
    (void)of;
    (void)user;
    say("asked to leave");
}

static void
on_disconnect(struct cohort_self *of, void *user)
{
    const char *file = getenv("FAREWELL");

    (void)user;
    if (file != NULL && file[0] != '\0') {
        FILE *out = fopen(file, "w");

        if (out != NULL) {
            fprintf(out, "voluntary %d\n", cohort_self_is_leaving(of));
            fclose(out);
        }
    }
}

static const struct cohort_self_events events = {
    .on_message = on_message,
    .on_leave = on_leave,
    .on_disconnect = on_disconnect,
};

/* With OWN_BASE in the environment it runs on a base of the program's, which
   ends when no event is left. With DAWDLE it takes its time before that; with
   DEAF it spins on when it is told to end. */
int
main(int argc, char **argv)
{
    struct event_base *base = NULL;
    int status;

    if (getenv("OWN_BASE") != NULL) {
        base = event_base_new();
    }
    self = cohort_self_new(base, &events, NULL);
    if (self == NULL) {
        fprintf(
            stderr, "no worker: %s, primary %d\n", strerror(errno),
            cohort_is_primary());
        return 3;
    }
    for (int i = 1; i < argc; i++) {
        say("word %s", argv[i]);
    }
    if (getenv("DAWDLE") != NULL) {
        sleep(1); /* much to do before its loop runs */
    }
    status =
        base != NULL ? event_base_dispatch(base) - 1 : cohort_self_run(self);
    cohort_self_free(self);
    if (base != NULL) {
        event_base_free(base);
    }
    return status;
}
