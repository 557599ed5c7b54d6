/* Sockets passed between processes: worker 1 is a doorkeeper, which accepts and
   hands each client to the primary, which passes it to a worker of its choice,
   where the HTTP service has it. Usage: cluster_pass_socket [ADDRESS] */
#include <stdio.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

#define WORKERS 3

/* --- the primary ---------------------------------------------------------- */

/* The others, in turn; NULL: it has gone. */
static struct cohort_worker *
choose(struct cohort_worker *doorkeeper)
{
    static unsigned turn;

    return cohort_worker_of_id(
        cohort_worker_primary(doorkeeper), 2 + turn++ % (WORKERS - 1));
}

static void
on_message(
    struct cohort_worker *worker, struct cohort_message *message, void *user)
{
    const struct cohort_send handle = {.fd = message->fd};
    struct cohort_worker *chosen = choose(worker);

    (void)user;
    if (message->fd >= 0 && chosen != NULL &&
        cohort_worker_send_with(chosen, "\"serve\"", 7, &handle) >= 0) {
        message->fd = -1; /* sent, and closed here */
    }
}

static const struct cohort_events events = {.on_message = on_message};

static int
run_primary(void)
{
    struct cohort_primary *primary = cohort_primary_new(NULL);

    cohort_primary_listen(primary, &events, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        cohort_fork(primary, NULL, NULL);
    }
    return cohort_primary_run(primary);
}

/* --- worker 1 ------------------------------------------------------------- */

static void
on_connection(struct cohort_listening *listening, int fd, void *user)
{
    const struct cohort_send handle = {.fd = fd};
    struct cohort_self *self = cohort_listening_self(listening);

    (void)user;
    if (cohort_self_send_with(self, "\"client\"", 8, &handle) < 0) {
        cohort_connection_close(listening, fd);
    } else {
        cohort_connection_closed(listening); /* it is not ours any more */
    }
}

static int
keep_the_door(struct cohort_self *self, const char *address)
{
    const struct cohort_listen_settings settings = {
        .on_connection = on_connection};

    return cohort_self_listen(self, address, &settings, NULL);
}

/* --- the others ----------------------------------------------------------- */

static void
on_client(struct cohort_self *self, struct cohort_message *message, void *user)
{
    (void)user;
    if (message->fd >= 0) {
        cohort_self_serve_connection(self, message->fd);
        message->fd = -1; /* the service's */
    }
}

static int
answer(struct cohort_request *request, void *self)
{
    char text[32];

    snprintf(text, sizeof(text), "worker %u\n", cohort_self_id(self));
    return cohort_respond_text(request, 200, text);
}

static int
serve(struct cohort_self *self)
{
    struct cohort *server = cohort_new();

    cohort_handle(server, "/", answer, self);
    return cohort_self_serve(self, server);
}

static int
run_worker(const char *address)
{
    static const struct cohort_self_events self_events = {
        .on_message = on_client};
    struct cohort_self *self = cohort_self_new(NULL, &self_events, NULL);
    int result =
        cohort_self_id(self) == 1 ? keep_the_door(self, address) : serve(self);

    return result < 0 ? 1 : cohort_self_run(self);
}

int
main(int argc, char **argv)
{
    return cohort_is_primary()
        ? run_primary()
        : run_worker(argc > 1 ? argv[1] : "127.0.0.1:8000");
}
