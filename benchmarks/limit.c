/*
 * limit: the least a server can do, so that real ones have a limit to be
 * measured against.
 *
 * One recv and one send per batch of requests on a raw epoll descriptor. It
 * looks for the empty line that ends a head and for nothing else; every
 * request gets the same answer, made at start. It is no web server: a request
 * with a body, or a client that does not read, gets what it deserves.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_MAX = 64,   /* answers that go out in one send */
    EVENTS_MAX = 512, /* events taken from one epoll_wait */
    BACKLOG = 4096,
    DEFER_S = 1, /* TCP_DEFER_ACCEPT counts in seconds */
};

struct options {
    int port;
    int workers;
    bool deferred;
    bool close_after;
    const char *path;
};

/* What is known of a client; clients are indexed by descriptor. */
struct client {
    unsigned matched;  /* bytes of "\r\n\r\n" seen at the end of the input */
    unsigned due;      /* answers not yet sent */
    off_t file_offset; /* how much of the first one's file has been sent */
    bool head_sent;    /* the first one's head has been sent */
    bool registered;   /* in the epoll set */
    bool waits_to_write;
};

static struct options options = {.port = 8000, .workers = 1};
static struct client *clients;
static size_t client_count;
static int epoll_fd;

static char head[256];
static size_t head_size;
static char answers[BATCH_MAX * 512];
static size_t answer_size;
static int file_fd = -1;
static off_t file_size;

static void
die(const char *what)
{
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Make the answer: a head, and behind it the body unless that is a file. */
static void
make_answer(void)
{
    static const char body[] = "hello world\n";
    struct stat status;

    file_size = sizeof body - 1;
    if (options.path != NULL) {
        file_fd = open(options.path, O_RDONLY | O_CLOEXEC);
        if (file_fd < 0 || fstat(file_fd, &status) < 0) {
            die(options.path);
        }
        file_size = status.st_size;
    }
    head_size = (size_t)snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\n"
        "Server: limit\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Length: %lld\r\n"
        "Connection: %s\r\n\r\n",
        (long long)file_size, options.close_after ? "close" : "keep-alive");

    answer_size = head_size + sizeof body - 1;
    for (size_t i = 0; i < BATCH_MAX; i++) {
        memcpy(answers + i * answer_size, head, head_size);
        memcpy(answers + i * answer_size + head_size, body, sizeof body - 1);
    }
}

/* How many heads end in this input, with what was left over before it. */
static unsigned
count_heads(struct client *client, const char *input, size_t size)
{
    static const char end[] = "\r\n\r\n";
    const char *stop = input + size;
    unsigned count = 0;

    while (input < stop) {
        if (client->matched == 0) {
            const char *found = memmem(input, (size_t)(stop - input), end, 4);
            if (found != NULL) {
                count++;
                input = found + 4;
                continue;
            }
            /* Only the last three bytes can begin what the next recv ends. */
            input = stop - input > 3 ? stop - 3 : input;
        }
        for (; input < stop && client->matched < 4; input++) {
            if (*input == end[client->matched]) {
                client->matched++;
            } else {
                client->matched = *input == '\r';
            }
        }
        if (client->matched == 4) {
            client->matched = 0;
            count++;
        }
    }
    return count;
}

/* Send everything that is due in as few sends as possible. */
static bool
send_answers(int fd, struct client *client)
{
    while (client->due > 0) {
        size_t count = client->due < BATCH_MAX ? client->due : BATCH_MAX;
        ssize_t size = (ssize_t)(count * answer_size);

        if (send(fd, answers, (size_t)size, MSG_NOSIGNAL) != size) {
            return false;
        }
        client->due -= (unsigned)count;
    }
    return true;
}

/* Send what is due from the file; false with EAGAIN when the client is slow. */
static bool
send_files(int fd, struct client *client)
{
    while (client->due > 0) {
        if (!client->head_sent) {
            ssize_t sent = send(fd, head, head_size, MSG_NOSIGNAL | MSG_MORE);
            if (sent != (ssize_t)head_size) {
                return false;
            }
            client->head_sent = true;
            client->file_offset = 0;
        }
        while (client->file_offset < file_size) {
            size_t rest = (size_t)(file_size - client->file_offset);
            if (sendfile(fd, file_fd, &client->file_offset, rest) <= 0) {
                return false;
            }
        }
        client->head_sent = false;
        client->due--;
    }
    return true;
}

static void
watch(int fd, struct client *client, bool for_write)
{
    struct epoll_event event = {
        .events = for_write ? EPOLLOUT : EPOLLIN,
        .data.fd = fd,
    };

    if (client->registered && client->waits_to_write == for_write) {
        return;
    }
    epoll_ctl(
        epoll_fd, client->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
        &event);
    client->registered = true;
    client->waits_to_write = for_write;
}

static void
serve(int fd, struct client *client)
{
    static char input[64 * 1024];
    bool answers_now;
    bool sent;

    if (client->due == 0) {
        ssize_t size = recv(fd, input, sizeof input, 0);
        if (size < 0 && errno == EAGAIN) {
            watch(fd, client, false);
            return;
        }
        if (size <= 0) {
            close(fd);
            return;
        }
        client->due = count_heads(client, input, (size_t)size);
    }
    answers_now = client->due > 0;
    sent = file_fd < 0 ? send_answers(fd, client) : send_files(fd, client);
    if (!sent && (file_fd < 0 || errno != EAGAIN)) {
        close(fd);
    } else if (sent && answers_now && options.close_after) {
        close(fd);
    } else {
        watch(fd, client, !sent);
    }
}

/* Accept one, and serve it before it is registered: its data is often there. */
static void
accept_client(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return;
    }
    if ((size_t)fd >= client_count) {
        close(fd);
        return;
    }
    clients[fd] = (struct client){0};
    serve(fd, &clients[fd]);
}

static int
open_listener(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)options.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1;
    int defer_s = DEFER_S;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    /* Accepted sockets inherit it, at no cost per connection. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options.deferred) {
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof defer_s);
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        die("bind");
    }
    if (listen(fd, BACKLOG) < 0) {
        die("listen");
    }
    return fd;
}

/* One table entry per descriptor that this process may ever have. */
static void
make_clients(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    client_count = limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    clients = calloc(client_count, sizeof *clients);
    if (clients == NULL) {
        die("calloc");
    }
}

static void
run_worker(void)
{
    static struct epoll_event events[EVENTS_MAX];
    int listen_fd = open_listener();
    struct epoll_event listening = {.events = EPOLLIN, .data.fd = listen_fd};

    make_clients();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &listening) < 0) {
        die("epoll");
    }
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listen_fd) {
                accept_client(fd);
            } else {
                serve(fd, &clients[fd]);
            }
        }
    }
}

static void
usage(int status)
{
    fputs(
        "usage: limit [options]\n"
        "  -p, --port N       listen on 127.0.0.1:N (8000)\n"
        "  -w, --workers N    processes, a listening socket each (1)\n"
        "  -d, --deferred     TCP_DEFER_ACCEPT\n"
        "  -c, --close        close after each batch of answers\n"
        "  -f, --file PATH    answer with this file, by sendfile\n"
        "  -h, --help         this text\n",
        status == 0 ? stdout : stderr);
    exit(status);
}

static void
read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"workers", required_argument, NULL, 'w'},
        {"deferred", no_argument, NULL, 'd'},
        {"close", no_argument, NULL, 'c'},
        {"file", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "p:w:dcf:h", known, NULL)) != -1) {
        switch (option) {
        case 'p':
            options.port = atoi(optarg);
            break;
        case 'w':
            options.workers = atoi(optarg);
            break;
        case 'd':
            options.deferred = true;
            break;
        case 'c':
            options.close_after = true;
            break;
        case 'f':
            options.path = optarg;
            break;
        default:
            usage(option == 'h' ? 0 : 2);
        }
    }
    if (optind != argc || options.port < 1 || options.port > 65535 ||
        options.workers < 1) {
        usage(2);
    }
}

int
main(int argc, char **argv)
{
    read_options(argc, argv);
    make_answer();
    for (int i = 1; i < options.workers; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            die("fork");
        }
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            break;
        }
    }
    run_worker();
}
