/* A primary and one worker per CPU that share port 8000: what Node's best-known
   cluster program does, line by line. Usage: cluster_hello [ADDRESS] */
#include <stdio.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static void
on_exit_of_worker(
    struct cohort_worker *worker, const struct cohort_exit *how, void *user)
{
    (void)how;
    (void)user;
    printf("worker %d died\n", (int)cohort_worker_pid(worker));
}

static const struct cohort_events events = {.on_exit = on_exit_of_worker};

static int
run_primary(void)
{
    struct cohort_primary *primary = cohort_primary_new(NULL);

    printf("Primary %d is running\n", (int)getpid());
    cohort_primary_listen(primary, &events, NULL);
    for (unsigned i = 0; i < cohort_cpu_count(); i++) {
        cohort_fork(primary, NULL, NULL);
    }
    return cohort_primary_run(primary);
}

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello world\n");
}

static int
run_worker(const char *address)
{
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);
    struct cohort *server = cohort_new();
    int status;

    cohort_handle(server, "/", hello, NULL);
    if (cohort_listen(server, address) < 0 ||
        cohort_self_serve(self, server) < 0) {
        return 1;
    }
    printf("Worker %d started\n", (int)getpid());
    status = cohort_self_run(self);
    cohort_self_free(self);
    return status;
}

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return cohort_is_primary() ? run_primary()
                               : run_worker(argc > 1 ? argv[1] : "8000");
}
