/* A program with handlers that has an admin socket: admin PORT SOCKET [dumb].
   Its workers answer each message with one that holds it, unless they are
   dumb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello from a program\n");
}

/* Our process, and the variable of its environment that the arguments name. */
static int
environment(struct cohort_request *request, void *user)
{
    struct cohort_str name = cohort_request_args(request);
    char text[256];
    const char *value;

    (void)user;
    snprintf(text, sizeof(text), "%.*s", (int)name.size, name.data);
    value = getenv(text);
    snprintf(
        text, sizeof(text), "%d %s", (int)getpid(), value ? value : "(none)");
    return cohort_respond_text(request, 200, text);
}

/* This worker, once it has had a message. */
static struct cohort_self *known;

/* 10,000 messages. */
static int
flood(struct cohort_request *request, void *user)
{
    (void)user;
    for (int i = 0; known && i < 10000; i++) {
        cohort_self_send(known, "\"flood\"", 7);
    }
    return cohort_respond_text(request, 200, known ? "done" : "not known");
}

static void
on_sent(int result, void *user)
{
    (void)result;
    (void)user;
}

/* Try what is for workers of cohort_fork(), and say what came of it. */
static void
try_all(struct cohort_self *self)
{
    const struct cohort_send alone = {0};
    const struct cohort_send handle = {.fd = STDERR_FILENO, .keep_open = true};
    const struct cohort_send callback = {.on_sent = on_sent};
    char text[512];

    cohort_self_disconnect(self);
    cohort_self_hang_up(self);
    cohort_self_kill(self);
    snprintf(
        text, sizeof(text),
        "{\"sent\": [%d, %d, %d], \"listens\": [%d, %d, %d], "
        "\"serves\": [%d, %d], \"connected\": %d, \"leaving\": %d}",
        cohort_self_send_with(self, "\"alone\"", 7, &alone),
        cohort_self_send_with(self, "\"handle\"", 8, &handle),
        cohort_self_send_with(self, "\"callback\"", 10, &callback),
        cohort_self_listen(self, "127.0.0.1:0", NULL, NULL),
        cohort_self_listen_fd(self, 0, NULL, NULL),
        cohort_self_listen_adopt(
            self, socket(AF_INET, SOCK_STREAM, 0), NULL, NULL),
        cohort_self_serve(self, cohort_new()),
        cohort_self_serve_connection(self, socket(AF_INET, SOCK_STREAM, 0)),
        cohort_self_is_connected(self), cohort_self_is_leaving(self));
    cohort_self_send(self, text, strlen(text));
}

static void
on_message(struct cohort_self *self, struct cohort_message *message, void *user)
{
    size_t room = message->size + 64;
    char *text;

    (void)user;
    if (strcmp(message->data, "\"try all\"") == 0) {
        try_all(self);
        return;
    }
    text = malloc(room);
    known = self;
    snprintf(
        text, room, "{\"from\": %u, \"got\": %s}", cohort_self_id(self),
        (const char *)message->data);
    cohort_self_send(self, text, strlen(text));
    if (cohort_self_send(self, "no JSON", 7) == 0) {
        abort();
    }
    free(text);
}

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    char text[512];
    int status = 1;

    if (argc >= 3) {
        snprintf(text, sizeof(text), "127.0.0.1:%s", argv[1]);
        cohort_listen(cohort, text);
        /* Its tests stop workers and the helper as long as it takes. */
        snprintf(
            text, sizeof(text), "admin unix:%s; worker_watchdog off;", argv[2]);
        cohort_set_directives(cohort, text);
        cohort_set_workers(cohort, 2);
        cohort_handle(cohort, "/", hello, NULL);
        cohort_handle(cohort, "/environment", environment, NULL);
        cohort_handle(cohort, "/flood", flood, NULL);
        if (argc == 3) {
            cohort_on_message(cohort, on_message, NULL);
        }
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
