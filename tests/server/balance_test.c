/* How evenly the policies spread connections that stay. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"
#include "tests/server/cluster.h"

#define CONNECTION_COUNT 100

/* A burst is as even as the scheduler lets it be: other programs run beside
   this one. */
#define ATTEMPT_MAX 5
#define BURST_MAX 3

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

static void
wait_open(struct test_cluster *cluster, unsigned count, struct spread *spread)
{
    for (int i = 0; i < 20000 && count_open(cluster, spread) < count; i++) {
        test_run(cluster, 1);
    }
    assert_int_equal(count_open(cluster, spread), count);
}

static struct test_cluster *
cluster_new(enum cohort_policy policy, unsigned worker_count)
{
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));

    cluster->policy = policy;
    cluster->worker_count = worker_count;
    cluster->serve = hold;
    test_cluster_start(cluster);
    return cluster;
}

static void
cluster_free(struct test_cluster *cluster)
{
    test_cluster_stop(cluster);
    free(cluster);
}

/* --- one after the other -------------------------------------------------- */

/* The next one comes when the one before was taken and all workers wait. */
static void
expect_turns(enum cohort_policy policy, unsigned worker_count)
{
    struct test_cluster *cluster = cluster_new(policy, worker_count);
    int clients[CONNECTION_COUNT];
    struct spread spread;

    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        test_wait_asleep(cluster);
        clients[i] = test_connect(&cluster->address);
        wait_open(cluster, i + 1, &spread);
        assert_true(spread.most - spread.least <= 1);
    }
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        close(clients[i]);
    }
    cluster_free(cluster);
}

static void
test_in_turn(void **state)
{
    static const enum cohort_policy policies[] = {
        COHORT_POLICY_ROUND_ROBIN,
        COHORT_POLICY_LEAST_CONN,
        COHORT_POLICY_SHARED,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        expect_turns(policies[i], 2);
        expect_turns(policies[i], 4);
    }
}

/* --- all at once ---------------------------------------------------------- */

/* Where there are two CPUs, the client has one for itself. */
static void
use_cpu(int cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* A process that opens all, and holds them until it is killed. */
static pid_t
start_client(const struct coh_addr *address)
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
    }
    for (;;) {
        pause();
    }
}

static struct spread
measure_burst(enum cohort_policy policy, unsigned worker_count)
{
    struct test_cluster *cluster = cluster_new(policy, worker_count);
    struct spread spread;
    pid_t client;

    test_wait_asleep(cluster);
    client = start_client(&cluster->address);
    wait_open(cluster, CONNECTION_COUNT, &spread);
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    cluster_free(cluster);
    return spread;
}

static void
expect_burst(enum cohort_policy policy, unsigned worker_count)
{
    struct spread spread = {0};

    for (int i = 0; i < ATTEMPT_MAX; i++) {
        spread = measure_burst(policy, worker_count);
        if (spread.most - spread.least <= BURST_MAX) {
            return;
        }
    }
    fail_msg(
        "%u workers: from %u to %u", worker_count, spread.least, spread.most);
}

static void
test_burst_round_robin(void **state)
{
    (void)state;
    expect_burst(COHORT_POLICY_ROUND_ROBIN, 2);
    expect_burst(COHORT_POLICY_ROUND_ROBIN, 4);
}

static void
test_burst_least_conn(void **state)
{
    (void)state;
    expect_burst(COHORT_POLICY_LEAST_CONN, 2);
    expect_burst(COHORT_POLICY_LEAST_CONN, 4);
}

static void
test_burst_shared(void **state)
{
    (void)state;
    expect_burst(COHORT_POLICY_SHARED, 2);
    expect_burst(COHORT_POLICY_SHARED, 4);
}

/* The kernel's hash: even on average only. */
static void
test_burst_reuseport(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        struct spread spread = measure_burst(COHORT_POLICY_REUSEPORT, 2);

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
        cmocka_unit_test(test_in_turn),
        cmocka_unit_test(test_burst_round_robin),
        cmocka_unit_test(test_burst_least_conn),
        cmocka_unit_test(test_burst_shared),
        cmocka_unit_test(test_burst_reuseport),
    };

    use_cpu(0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
