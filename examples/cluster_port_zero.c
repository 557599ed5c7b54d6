/* Port 0: the system chooses a port, and all workers share it; a worker's
   second listen on port 0 is another one, again the same for all. Usage:
   cluster_port_zero */
#include <stdio.h>

#include <cohort/cluster.h>

#define WORKERS 2

/* Everybody listens on both: done. */
static void
on_listening(
    struct cohort_worker *worker, const struct cohort_address *address,
    void *user)
{
    static unsigned count;

    (void)user;
    printf(
        "worker %u listens on %s:%d\n", cohort_worker_id(worker), address->host,
        address->port);
    if (++count == 2 * WORKERS) {
        cohort_primary_disconnect(cohort_worker_primary(worker), NULL, NULL);
    }
}

static const struct cohort_events events = {.on_listening = on_listening};

static int
run_primary(void)
{
    struct cohort_primary *primary = cohort_primary_new(NULL);
    int status;

    cohort_primary_listen(primary, &events, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        cohort_fork(primary, NULL, NULL);
    }
    status = cohort_primary_run(primary);
    cohort_primary_free(primary);
    return status;
}

static int
run_worker(void)
{
    struct cohort_self *self = cohort_self_new(NULL, NULL, NULL);
    int status;

    cohort_self_listen(self, "127.0.0.1:0", NULL, NULL);
    cohort_self_listen(self, "127.0.0.1:0", NULL, NULL);
    status = cohort_self_run(self);
    cohort_self_free(self);
    return status;
}

int
main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return cohort_is_primary() ? run_primary() : run_worker();
}
