/* How evenly the policies spread long-lived connections. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"
#include "tests/server/cluster.h"

#define CONNECTION_COUNT 100
#define ATTEMPT_MAX 5 /* other tests run beside this one */

/* A burst under "shared" is as even as the scheduler lets it be. */
#define BURST_MAX 20

/* Keep it open. */
static void
hold(struct test_self *self, int fd)
{
    (void)self;
    (void)fd;
}

struct spread {
    unsigned least;
    unsigned most;
};

static unsigned
count_open(const struct test_cluster *cluster, struct spread *spread)
{
    unsigned sum = 0;

    *spread = (struct spread){.least = UINT32_MAX};
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        unsigned open_count = cluster->words[i].open_count;

        sum += open_count;
        spread->least = open_count < spread->least ? open_count : spread->least;
        spread->most = open_count > spread->most ? open_count : spread->most;
    }
    return sum;
}

/* Where there are two CPUs, the client has one for itself. */
static void
use_cpu(int cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* A process that opens all, gap_ms apart, and holds them until it is killed. */
static pid_t
start_client(const struct coh_addr *address, unsigned gap_ms)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    use_cpu(1);
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        test_connect(address);
        if (gap_ms > 0) {
            usleep(gap_ms * 1000);
        }
    }
    for (;;) {
        pause();
    }
}

/* Open all, gap_ms apart, and see where they are. */
static struct spread
measure(enum cohort_policy policy, unsigned worker_count, unsigned gap_ms)
{
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    struct spread spread;
    pid_t client;

    cluster->policy = policy;
    cluster->worker_count = worker_count;
    cluster->serve = hold;
    test_cluster_start(cluster);
    client = start_client(&cluster->address, gap_ms);
    for (int i = 0; i < 500; i++) {
        if (count_open(cluster, &spread) == CONNECTION_COUNT) {
            break;
        }
        test_run(cluster, 5);
    }
    assert_int_equal(count_open(cluster, &spread), CONNECTION_COUNT);
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    test_cluster_stop(cluster);
    free(cluster);
    return spread;
}

static void
expect(
    enum cohort_policy policy, unsigned worker_count, unsigned gap_ms,
    unsigned difference_max)
{
    struct spread spread = {0};

    for (int i = 0; i < ATTEMPT_MAX; i++) {
        spread = measure(policy, worker_count, gap_ms);
        if (spread.most - spread.least <= difference_max) {
            return;
        }
    }
    fail_msg(
        "%u workers: from %u to %u", worker_count, spread.least, spread.most);
}

static void
test_round_robin(void **state)
{
    (void)state;
    expect(COHORT_POLICY_ROUND_ROBIN, 2, 1, 1);
    expect(COHORT_POLICY_ROUND_ROBIN, 4, 1, 1);
    expect(COHORT_POLICY_ROUND_ROBIN, 2, 0, 3);
    expect(COHORT_POLICY_ROUND_ROBIN, 4, 0, 3);
}

static void
test_least_conn(void **state)
{
    (void)state;
    expect(COHORT_POLICY_LEAST_CONN, 2, 1, 1);
    expect(COHORT_POLICY_LEAST_CONN, 4, 1, 1);
    expect(COHORT_POLICY_LEAST_CONN, 4, 0, 3);
}

static void
test_shared(void **state)
{
    (void)state;
    expect(COHORT_POLICY_SHARED, 2, 1, 1);
    expect(COHORT_POLICY_SHARED, 4, 1, 1);
    expect(COHORT_POLICY_SHARED, 2, 0, BURST_MAX);
    expect(COHORT_POLICY_SHARED, 4, 0, BURST_MAX);
}

/* The kernel's hash: even on average only. */
static void
test_reuseport(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        struct spread spread = measure(COHORT_POLICY_REUSEPORT, 2, 0);

        if (spread.most <= CONNECTION_COUNT / 2 * 3 / 2) {
            return;
        }
    }
    fail();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_least_conn),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_reuseport),
    };

    use_cpu(0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
