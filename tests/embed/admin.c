/* A program with handlers that has an admin socket: admin PORT SOCKET [dumb].
   Its workers answer each message with one that holds it, unless they are
   dumb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
on_message(struct cohort_self *self, struct cohort_message *message, void *user)
{
    size_t room = message->size + 64;
    char *text = malloc(room);

    (void)user;
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
