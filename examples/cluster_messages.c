/* Workers tell the primary of each request; it keeps the sum and tells it to
   all. Usage: cluster_messages [ADDRESS] */
#include <stdio.h>
#include <stdlib.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

/* --- the primary ---------------------------------------------------------- */

static unsigned total;

static void
on_message(
    struct cohort_worker *worker, struct cohort_message *message, void *user)
{
    struct cohort_worker *other =
        cohort_worker_first(cohort_worker_primary(worker));
    char text[16];
    int size;

    (void)user;
    total += (unsigned)strtoul(message->data, NULL, 10);
    size = snprintf(text, sizeof(text), "%u", total);
    for (; other != NULL; other = cohort_worker_next(other)) {
        cohort_worker_send(other, text, (size_t)size);
    }
}

static const struct cohort_events events = {.on_message = on_message};

static int
run_primary(void)
{
    struct cohort_primary *primary = cohort_primary_new(NULL);

    cohort_primary_listen(primary, &events, NULL);
    for (unsigned i = 0; i < cohort_cpu_count(); i++) {
        cohort_fork(primary, NULL, NULL);
    }
    return cohort_primary_run(primary);
}

/* --- a worker ------------------------------------------------------------- */

static unsigned long known; /* what the primary said last */

static void
on_total(struct cohort_self *self, struct cohort_message *message, void *user)
{
    (void)self;
    (void)user;
    known = strtoul(message->data, NULL, 10);
}

static int
count(struct cohort_request *request, void *user)
{
    char text[64];

    snprintf(text, sizeof(text), "%lu requests before this one\n", known);
    cohort_self_send(user, "1", 1);
    return cohort_respond_text(request, 200, text);
}

static int
run_worker(const char *address)
{
    static const struct cohort_self_events self_events = {
        .on_message = on_total};
    struct cohort_self *self = cohort_self_new(NULL, &self_events, NULL);
    struct cohort *server = cohort_new();

    cohort_handle(server, "/", count, self);
    if (cohort_listen(server, address) < 0 ||
        cohort_self_serve(self, server) < 0) {
        return 1;
    }
    return cohort_self_run(self);
}

int
main(int argc, char **argv)
{
    return cohort_is_primary()
        ? run_primary()
        : run_worker(argc > 1 ? argv[1] : "127.0.0.1:8000");
}
