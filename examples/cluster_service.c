/* A service that is not HTTP: workers share a port and tell the time to whoever
   connects. One that dies is replaced. Usage: cluster_service [ADDRESS] */
#include <stdio.h>
#include <time.h>

#include <cohort/cluster.h>

/* --- the primary ---------------------------------------------------------- */

static void
on_exit_of_worker(
    struct cohort_worker *worker, const struct cohort_exit *how, void *user)
{
    (void)user;
    printf(
        "worker %u: %s\n", cohort_worker_id(worker),
        cohort_reason_name(how->reason));
    if (cohort_worker_leaving(worker) != COHORT_LEAVING_VOLUNTARY) {
        cohort_fork(cohort_worker_primary(worker), NULL, NULL);
    }
}

static const struct cohort_events events = {.on_exit = on_exit_of_worker};

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

static void
on_connection(struct cohort_listening *listening, int fd, void *user)
{
    time_t now = time(NULL);
    char text[64];

    (void)user;
    strftime(text, sizeof(text), "%F %T", localtime(&now));
    dprintf(
        fd, "%s, says worker %u\n", text,
        cohort_self_id(cohort_listening_self(listening)));
    cohort_connection_close(listening, fd);
}

static int
run_worker(const char *address)
{
    const struct cohort_listen_settings settings = {
        .on_connection = on_connection};
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);

    if (cohort_self_listen(self, address, &settings, NULL) < 0) {
        return 1;
    }
    return cohort_self_run(self);
}

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return cohort_is_primary()
        ? run_primary()
        : run_worker(argc > 1 ? argv[1] : "127.0.0.1:8013");
}
