/* A worker with the HTTP service and no engine around it. */
#include "tests/http/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/apply.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/socket.h"
#include "http/body.h"
#include "http/registry.h"

#define COUNTER_MAX 64
#define ANSWER_MAX (4u << 20)

/* What the engine is to the service. */
struct cohort_load {
    struct harness *harness;
};
struct cohort_self {
    struct harness *harness;
};
struct cohort_file {
    char path[256];
    int fd; /* a file without a name */
};

#define FILES_MAX 8

struct harness {
    struct coh_conf conf;
    struct coh_loop loop;
    struct coh_http *http;
    struct cohort_load load;
    struct cohort_self self;
    void *address; /* of the first listener */
    uint64_t counters[COUNTER_MAX];
    size_t open_count;
    bool is_idle;
    bool is_draining;
    struct cohort_file files[FILES_MAX];
    size_t file_count;
    char file_text[65536];
    int log_pipe[2];
    struct coh_log_target log_target;
    struct cohort_log log;
    char log_text[8192];
    char answer[ANSWER_MAX];
};

/* The log of whichever harness was made last. */
static struct cohort_log *current_log;

/* --- the engine ----------------------------------------------------------- */

int
cohort_load_error(struct cohort_load *load, const char *format, ...)
{
    (void)load;
    fprintf(stderr, "load: %s\n", format);
    return -EINVAL;
}

struct cohort_log *
cohort_load_log(struct cohort_load *load)
{
    return &load->harness->log;
}

int
cohort_load_listen(
    struct cohort_load *load, const struct sockaddr *address,
    socklen_t address_size, const struct cohort_listen_options *options,
    void *user)
{
    (void)address;
    (void)address_size;
    (void)options;
    if (load->harness->address == NULL) {
        load->harness->address = user;
    }
    return 0;
}

int
cohort_load_file(
    struct cohort_load *load, const char *path, struct cohort_file **file)
{
    struct harness *harness = load->harness;

    *file = &harness->files[harness->file_count];
    harness->file_count++;
    snprintf((*file)->path, sizeof((*file)->path), "%s", path);
    (*file)->fd = memfd_create("log", MFD_CLOEXEC);
    return (*file)->fd < 0 ? -errno : 0;
}

void
cohort_load_path(struct cohort_load *load, struct cohort_str path)
{
    (void)load;
    (void)path;
}

int
cohort_file_fd(const struct cohort_file *file)
{
    return file->fd;
}

int
cohort_load_counters(
    struct cohort_load *load, const struct cohort_counter *counters,
    size_t count, size_t *first)
{
    (void)load;
    (void)counters;
    *first = 0;
    return count <= COUNTER_MAX ? 0 : -ENOSPC;
}

unsigned
cohort_self_id(const struct cohort_self *self)
{
    (void)self;
    return 1;
}

struct cohort_log *
cohort_self_log(struct cohort_self *self)
{
    return &self->harness->log;
}

struct coh_loop *
cohort_self_loop(struct cohort_self *self)
{
    return &self->harness->loop;
}

struct event_base *
cohort_self_event_base(struct cohort_self *self)
{
    return self->harness->loop.base;
}

uint64_t *
cohort_self_counters(struct cohort_self *self)
{
    return self->harness->counters;
}

void
cohort_self_connection_closed(struct cohort_self *self)
{
    self->harness->open_count--;
}

void
cohort_self_idle(struct cohort_self *self)
{
    self->harness->is_idle = true;
}

bool
cohort_self_is_draining(const struct cohort_self *self)
{
    return self->harness->is_draining;
}

struct cohort_log *
cohort_settings_log(void *const *settings)
{
    (void)settings;
    return current_log;
}

/* --- life ----------------------------------------------------------------- */

static void
tell(void *user, bool is_error, const char *text)
{
    (void)user;
    fprintf(stderr, "%s: %s\n", is_error ? "error" : "warning", text);
}

static void
give_up(const char *what)
{
    fprintf(stderr, "harness: %s\n", what);
    abort();
}

static void
load_conf(struct harness *harness, const char *text)
{
    char *whole = malloc(strlen(text) + 16);
    struct coh_conf_options options = {
        .text_name = "test",
        .prefix = "/tmp",
        .modules = coh_http_modules,
        .tell = tell};

    sprintf(whole, "http { %s }", text);
    options.text = cohort_str(whole);
    if (coh_conf_load(&options, NULL, &harness->conf) < 0) {
        give_up("the configuration is bad");
    }
    free(whole);
}

static void
open_log(struct harness *harness)
{
    if (pipe(harness->log_pipe) < 0 ||
        coh_fd_set_nonblocking(harness->log_pipe[0], true) < 0) {
        give_up("no pipe");
    }
    coh_log_init(&harness->log, NULL);
    harness->log_target.fd = harness->log_pipe[1];
    coh_log_add_target(&harness->log, &harness->log_target, COHORT_LOG_INFO);
    current_log = &harness->log;
}

struct harness *
harness_new(const char *text)
{
    struct harness *harness = calloc(1, sizeof(*harness));
    void *state = NULL;

    harness->load.harness = harness;
    harness->self.harness = harness;
    coh_hash_init();
    open_log(harness);
    load_conf(harness, text);
    if (coh_http_service.load(
            &harness->load, harness->conf.settings, NULL, &state) < 0) {
        give_up("load failed");
    }
    harness->http = state;
    if (coh_loop_init(&harness->loop, NULL) < 0 ||
        coh_http_service.start(&harness->self, state) < 0) {
        give_up("start failed");
    }
    return harness;
}

void
harness_free(struct harness *harness)
{
    coh_http_service.stop(harness->http);
    coh_loop_fini(&harness->loop);
    coh_conf_free(&harness->conf);
    for (size_t i = 0; i < harness->file_count; i++) {
        close(harness->files[i].fd);
    }
    close(harness->log_pipe[0]);
    close(harness->log_pipe[1]);
    free(harness);
}

struct coh_http *
harness_http(struct harness *harness)
{
    return harness->http;
}

struct coh_loop *
harness_loop(struct harness *harness)
{
    return &harness->loop;
}

/* --- clients -------------------------------------------------------------- */

void
harness_give(struct harness *harness, int fd)
{
    harness->open_count++;
    coh_http_service.connection(harness->http, fd, harness->address);
}

int
harness_connect(struct harness *harness)
{
    int fds[2];

    if (coh_socket_pair(SOCK_STREAM, fds) < 0) {
        give_up("no socket pair");
    }
    harness_give(harness, fds[0]);
    return fds[1];
}

int
harness_connect_tcp(struct harness *harness)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
        connect(client, (struct sockaddr *)&address, size) < 0) {
        give_up("no connection");
    }
    harness_give(
        harness, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    close(listener);
    coh_fd_set_nonblocking(client, true);
    return client;
}

void
harness_turn(struct harness *harness)
{
    harness->loop.is_time_old = true;
    event_base_loop(harness->loop.base, EVLOOP_NONBLOCK);
}

/* The past is moved, not the clock: what would be due then is due now. */
static void
age_request(struct cohort_request *request, uint64_t ms)
{
    if (request != NULL) {
        request->response.pace.since_ms -= ms;
    }
    if (request != NULL && request->body != NULL) {
        request->body->pace.since_ms -= ms;
    }
}

void
harness_pass(struct harness *harness, uint64_t ms)
{
    struct coh_wheel *wheel = &harness->loop.wheel;
    struct coh_connection *connection =
        TAILQ_FIRST(&harness->http->connections);
    struct coh_connection *next;

    for (; connection != NULL; connection = next) {
        uint64_t at_ms = connection->deadline.at_ms;

        next = TAILQ_NEXT(connection, link);
        connection->last_ms -= ms;
        connection->started_ms -= ms;
        age_request(connection->request, ms);
        if (at_ms == 0) {
            continue;
        }
        if (at_ms > coh_monotonic_ms() + ms) {
            coh_deadline_clear(wheel, &connection->deadline);
            coh_deadline_set(wheel, &connection->deadline, at_ms - ms);
            continue;
        }
        coh_deadline_clear(wheel, &connection->deadline);
        wheel->on_due(&connection->deadline);
    }
    harness_turn(harness);
}

/* Some of what has come; false: the end. */
static bool
read_some(int fd, char *out, size_t *size)
{
    ssize_t got = recv(fd, out + *size, ANSWER_MAX - 1 - *size, MSG_DONTWAIT);

    if (got > 0) {
        *size += (size_t)got;
        return true;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

const char *
harness_exchange(struct harness *harness, int fd, const char *text, size_t size)
{
    size_t answer_size = 0;
    size_t sent = 0;
    int quiet = 0;

    while (quiet < 3) {
        size_t before = answer_size + sent;
        ssize_t part = sent < size
            ? send(fd, text + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL)
            : 0;

        sent += part > 0 ? (size_t)part : 0;
        harness_turn(harness);
        if (!read_some(fd, harness->answer, &answer_size)) {
            break;
        }
        quiet = answer_size + sent == before ? quiet + 1 : 0;
    }
    harness->answer[answer_size] = '\0';
    return harness->answer;
}

bool
harness_is_closed(struct harness *harness, int fd)
{
    char room[65536];
    ssize_t got;

    for (int i = 0; i < 100; i++) {
        harness_turn(harness);
        got = recv(fd, room, sizeof(room), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return true;
        }
        if (got < 0) {
            return false;
        }
    }
    return false;
}

/* --- looking in ----------------------------------------------------------- */

uint64_t
harness_counter(const struct harness *harness, enum coh_http_counter counter)
{
    return harness->counters[counter];
}

size_t
harness_open_count(const struct harness *harness)
{
    return harness->open_count;
}

bool
harness_is_idle(const struct harness *harness)
{
    return harness->is_idle;
}

void
harness_drain(struct harness *harness)
{
    harness->is_draining = true;
    coh_http_service.drain(harness->http);
}

const char *
harness_log(struct harness *harness)
{
    ssize_t got = read(
        harness->log_pipe[0], harness->log_text, sizeof(harness->log_text) - 1);

    harness->log_text[got > 0 ? got : 0] = '\0';
    return harness->log_text;
}

const char *
harness_file(struct harness *harness, const char *path)
{
    ssize_t got = 0;

    coh_http_service.reopen(harness->http, true);
    coh_http_service.reopen(harness->http, false);
    for (size_t i = 0; i < harness->file_count; i++) {
        if (strcmp(harness->files[i].path, path) == 0) {
            got = pread(
                harness->files[i].fd, harness->file_text,
                sizeof(harness->file_text) - 1, 0);
        }
    }
    harness->file_text[got > 0 ? got : 0] = '\0';
    return harness->file_text;
}

void
harness_use_fd(struct harness *harness, const char *path, int fd)
{
    for (size_t i = 0; i < harness->file_count; i++) {
        if (strcmp(harness->files[i].path, path) == 0) {
            dup3(fd, harness->files[i].fd, O_CLOEXEC);
        }
    }
}
