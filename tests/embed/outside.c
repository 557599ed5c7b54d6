/* A program as a user of the installed library writes one, in C or in C++: two
   workers serve HTTP, and it says when both do; when one has served a request
   all leave. Usage: outside ADDRESS. tests/installed compiles it as both. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static void
on_listening(
    struct cohort_worker *worker, const struct cohort_address *address,
    void *user)
{
    unsigned *count = (unsigned *)user;

    (void)worker;
    if (++*count == 2) {
        printf("serving on %s\n", address->host);
        fflush(stdout);
    }
}

static void
on_message(
    struct cohort_worker *worker, struct cohort_message *message, void *user)
{
    (void)message;
    (void)user;
    cohort_primary_disconnect(cohort_worker_primary(worker), NULL, NULL);
}

static int
run_primary(void)
{
    struct cohort_primary *primary = cohort_primary_new(NULL);
    struct cohort_events events;
    unsigned listening_count = 0;
    int status;

    memset(&events, 0, sizeof(events));
    events.on_listening = on_listening;
    events.on_message = on_message;
    cohort_primary_listen(primary, &events, &listening_count);
    for (int i = 0; i < 2; i++) {
        if (cohort_fork(primary, NULL, NULL) < 0) {
            return 1;
        }
    }
    status = cohort_primary_run(primary);
    cohort_primary_free(primary);
    return status;
}

static int
hello(struct cohort_request *request, void *user)
{
    static const char served[] = "\"served\"";

    (void)user;
    cohort_self_send(cohort_self_current(), served, sizeof(served) - 1);
    return cohort_respond_text(request, 200, "hello from outside\n");
}

static int
run_worker(const char *address)
{
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);
    struct cohort *server = cohort_new();

    cohort_handle(server, "/", hello, NULL);
    if (cohort_reload(server, false, NULL, NULL) != -EPERM ||
        cohort_scale(server, NULL, 2, NULL, NULL) != -EPERM) {
        return 1; /* they are for the primary of cohort_run() */
    }
    if (cohort_listen(server, address) < 0 ||
        cohort_self_serve(self, server) < 0) {
        return 1;
    }
    return cohort_self_run(self);
}

int
main(int argc, char **argv)
{
    return cohort_is_primary() ? run_primary()
                               : run_worker(argc > 1 ? argv[1] : "8000");
}
