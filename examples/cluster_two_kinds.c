/* Two kinds of workers of one program: the setup before a fork says which.
   Usage: cluster_two_kinds */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static void
on_listening(
    struct cohort_worker *worker, const struct cohort_address *address,
    void *user)
{
    (void)user;
    printf(
        "worker %u listens on port %d\n", cohort_worker_id(worker),
        address->port);
}

static const struct cohort_events events = {.on_listening = on_listening};

static int
run_primary(void)
{
    static const char *const public_words[] = {"--use", "public", NULL};
    static const char *const internal_words[] = {"--use", "internal", NULL};
    const struct cohort_settings public_kind = {.args = public_words};
    const struct cohort_settings internal_kind = {.args = internal_words};
    struct cohort_primary *primary = cohort_primary_new(NULL);

    cohort_primary_listen(primary, &events, NULL);
    cohort_primary_setup(primary, &public_kind);
    cohort_fork(primary, NULL, NULL); /* a public one */
    cohort_primary_setup(primary, &internal_kind);
    cohort_fork(primary, NULL, NULL); /* an internal one */
    return cohort_primary_run(primary);
}

static int
answer(struct cohort_request *request, void *user)
{
    return cohort_respond_text(request, 200, user);
}

static int
run_worker(bool is_public)
{
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);
    struct cohort *server = cohort_new();
    static char text[2][16] = {"internal\n", "public\n"};

    cohort_handle(server, "/", answer, text[is_public]);
    cohort_listen(server, is_public ? "8000" : "127.0.0.1:8001");
    if (cohort_self_serve(self, server) < 0) {
        return 1;
    }
    return cohort_self_run(self);
}

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (cohort_is_primary()) {
        return run_primary();
    }
    return run_worker(argc > 2 && strcmp(argv[2], "public") == 0);
}
