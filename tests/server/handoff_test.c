/* The hand-off under stress: workers that are slow, stopped, killed and put out
   of rotation, while each connection is to be served once. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/core/limit.h"
#include "tests/core/test.h"
#include "tests/server/cluster.h"

#define IN_FLIGHT 96 /* connections that a client has open at a time */
#define CLIENT_LIMIT_MS 90000

/* Shared by all processes. */
struct tally {
    _Atomic uint32_t is_slow; /* workers take their time now and then */
    _Atomic uint32_t answered;
    _Atomic uint32_t unanswered;
    _Atomic uint32_t doubled;
    _Atomic uint32_t served[]; /* by connection */
};

static struct tally *
tally_new(uint32_t count)
{
    struct tally *tally = mmap(
        NULL, sizeof(struct tally) + count * sizeof(uint32_t),
        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(tally != MAP_FAILED);
    return tally;
}

static void
tally_free(struct tally *tally, uint32_t count)
{
    munmap(tally, sizeof(struct tally) + count * sizeof(uint32_t));
}

/* --- in a worker ---------------------------------------------------------- */

/* The client sends its number at once, and gets a byte for it. */
static void
serve(struct test_self *self, int fd)
{
    struct tally *tally = self->cluster->user;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    uint32_t number;

    poll(&readable, 1, 2000);
    if (recv(fd, &number, sizeof(number), 0) == sizeof(number)) {
        if (atomic_fetch_add(&tally->served[number], 1) > 0) {
            atomic_fetch_add(&tally->doubled, 1);
        }
        if (atomic_load(&tally->is_slow) && number % 997 == 0) {
            usleep((COH_HANDOFF_REVOKE_MS + 60) * 1000);
        }
        send(fd, "k", 1, MSG_NOSIGNAL);
    }
    test_close(self, fd);
}

/* --- the client ----------------------------------------------------------- */

struct client {
    const struct coh_addr *address;
    struct tally *tally;
    uint32_t next;
    uint32_t end;
    uint32_t open_count;
    struct pollfd fds[IN_FLIGHT];
};

static void
open_one(struct client *client, unsigned place)
{
    uint32_t number = client->next++;
    int fd = test_connect(client->address);

    assert_int_equal(
        send(fd, &number, sizeof(number), MSG_NOSIGNAL), sizeof(number));
    client->fds[place] = (struct pollfd){.fd = fd, .events = POLLIN};
    client->open_count++;
}

static void
end_one(struct client *client, unsigned place)
{
    const struct linger reset = {.l_onoff = 1};
    int fd = client->fds[place].fd;
    char answer;

    if (recv(fd, &answer, 1, 0) == 1) {
        atomic_fetch_add(&client->tally->answered, 1);
    } else {
        atomic_fetch_add(&client->tally->unanswered, 1);
    }
    /* A reset, so that ports are free again. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    client->fds[place].fd = -1;
    client->open_count--;
}

static void
client_run(struct client *client)
{
    uint64_t end_ms = coh_monotonic_ms() + CLIENT_LIMIT_MS;

    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        client->fds[i].fd = -1;
    }
    while (coh_monotonic_ms() < end_ms &&
           (client->next < client->end || client->open_count > 0)) {
        for (unsigned i = 0; i < IN_FLIGHT && client->next < client->end; i++) {
            if (client->fds[i].fd < 0) {
                open_one(client, i);
            }
        }
        poll(client->fds, IN_FLIGHT, 1000);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            if (client->fds[i].fd >= 0 && client->fds[i].revents != 0) {
                end_one(client, i);
            }
        }
    }
}

static pid_t
client_start(
    const struct coh_addr *address, struct tally *tally, uint32_t first,
    uint32_t end)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct client client = {
            .address = address,
            .tally = tally,
            .next = first,
            .end = end,
        };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        client_run(&client);
        _exit(0);
    }
    return pid;
}

/* --- what happens to workers meanwhile ------------------------------------ */

struct chaos {
    struct test_cluster *cluster;
    unsigned seed;
    unsigned kill_count;
    unsigned stop_count;
    unsigned stalled_count;
    uint64_t stopped_until_ms[TEST_WORKERS_MAX];
};

static void
stop_or_kill(struct chaos *chaos, bool may_kill)
{
    struct test_cluster *cluster = chaos->cluster;
    unsigned index = (unsigned)rand_r(&chaos->seed) % cluster->worker_count;
    struct test_worker *worker = &cluster->workers[index];

    if (chaos->stopped_until_ms[index] != 0) {
        return;
    }
    if (may_kill && rand_r(&chaos->seed) % 4 == 0) {
        test_worker_kill(worker);
        test_worker_spawn(worker);
        chaos->kill_count++;
    } else {
        kill(worker->pid, SIGSTOP);
        chaos->stopped_until_ms[index] = coh_monotonic_ms() + 20 +
            (unsigned)rand_r(&chaos->seed) % (3 * COH_HANDOFF_REVOKE_MS);
        chaos->stop_count++;
    }
}

static void
continue_stopped(struct chaos *chaos)
{
    for (unsigned i = 0; i < chaos->cluster->worker_count; i++) {
        chaos->stalled_count += chaos->cluster->workers[i].peer.is_stalled;
        if (chaos->stopped_until_ms[i] != 0 &&
            chaos->stopped_until_ms[i] <= coh_monotonic_ms()) {
            chaos->stopped_until_ms[i] = 0;
            kill(chaos->cluster->workers[i].pid, SIGCONT);
        }
    }
}

/* Out of rotation and back. */
static void
take_turns(struct chaos *chaos)
{
    struct test_cluster *cluster = chaos->cluster;
    unsigned index = (unsigned)rand_r(&chaos->seed) % cluster->worker_count;
    struct coh_handoff_peer *peer = &cluster->workers[index].peer;

    if (peer->rotation != NULL) {
        coh_rotation_remove(peer);
    } else {
        coh_rotation_add(&cluster->rotation, peer);
    }
}

static bool
is_running(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

/* Nothing is left over: no offer, no word that is busy for ever. */
static void
assert_settled(struct test_cluster *cluster)
{
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        if (cluster->workers[i].peer.rotation == NULL) {
            coh_rotation_add(&cluster->rotation, &cluster->workers[i].peer);
        }
    }
    test_run(cluster, 100);
    assert_int_equal(coh_rotation_waiting(&cluster->rotation), 0);
    coh_rotation_settle(&cluster->rotation);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        assert_int_equal(cluster->workers[i].peer.busy, 0);
        assert_true(coh_handoff_has_credit(&cluster->workers[i].peer));
    }
}

/* --- the tests ------------------------------------------------------------ */

/* 100,000 connections while workers are stopped, continued and killed. */
static void
test_processes(void **state)
{
    const uint32_t count = 100000;
    struct tally *tally = tally_new(count);
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    struct chaos chaos = {.cluster = cluster, .seed = 7};
    uint32_t served = 0;
    pid_t client;

    (void)state;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 4;
    cluster->serve = serve;
    cluster->user = tally;
    test_cluster_start(cluster);
    client = client_start(&cluster->address, tally, 0, count);
    for (unsigned turn = 0; is_running(client); turn++) {
        test_run(cluster, 10);
        continue_stopped(&chaos);
        if (turn % 4 == 0) {
            stop_or_kill(&chaos, true);
        }
    }
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        kill(cluster->workers[i].pid, SIGCONT);
    }
    assert_settled(cluster);
    for (uint32_t i = 0; i < count; i++) {
        served += tally->served[i] > 0;
    }
    print_message(
        "%u stopped, %u killed; %u answered, %u not; seen stalled: %u\n",
        chaos.stop_count, chaos.kill_count, tally->answered, tally->unanswered,
        chaos.stalled_count);
    assert_int_equal(tally->doubled, 0);
    assert_int_equal(tally->answered + tally->unanswered, count);
    /* Lost is at most what a killed worker was just serving. */
    assert_true(tally->unanswered <= chaos.kill_count);
    assert_true(served + chaos.kill_count >= count);
    assert_true(chaos.stop_count > 0 && chaos.kill_count > 0);
    assert_true(chaos.stalled_count > 0);
    test_cluster_stop(cluster);
    free(cluster);
    tally_free(tally, count);
}

/* The same code by threads, so that a thread sanitizer sees both sides: workers
   that are slow, and put out of rotation and back. */
static void
test_threads(void **state)
{
    const uint32_t count = 10000;
    struct tally *tally = tally_new(count);
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    struct chaos chaos = {.cluster = cluster, .seed = 3};
    pid_t client;

    (void)state;
    cluster->policy = COHORT_POLICY_LEAST_CONN;
    cluster->worker_count = 3;
    cluster->has_threads = true;
    cluster->serve = serve;
    cluster->user = tally;
    tally->is_slow = 1;
    test_cluster_start(cluster);
    client = client_start(&cluster->address, tally, 0, count);
    while (is_running(client)) {
        test_run(cluster, 10);
        take_turns(&chaos);
    }
    assert_settled(cluster);
    assert_int_equal(tally->doubled, 0);
    assert_int_equal(tally->answered, count);
    assert_int_equal(tally->unanswered, 0);
    test_cluster_stop(cluster);
    free(cluster);
    tally_free(tally, count);
}

/* Full workers refuse; what they refuse waits until somebody has room. */
static void
test_refused(void **state)
{
    const uint32_t count = 2000;
    struct tally *tally = tally_new(count);
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    pid_t client;

    (void)state;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 2;
    cluster->open_max = 1;
    cluster->serve = serve;
    cluster->user = tally;
    test_cluster_start(cluster);
    client = client_start(&cluster->address, tally, 0, count);
    while (is_running(client)) {
        test_run(cluster, 20);
    }
    assert_settled(cluster);
    assert_int_equal(tally->doubled, 0);
    assert_int_equal(tally->answered, count);
    test_cluster_stop(cluster);
    free(cluster);
    tally_free(tally, count);
}

static void
hold(struct test_self *self, int fd)
{
    (void)self;
    (void)fd;
}

/* All are full and nobody closes anything: the primary sleeps, and goes on when
   one is free. */
static void
test_all_full(void **state)
{
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    int clients[6];
    struct timespec before;
    struct timespec after;

    (void)state;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 2;
    cluster->open_max = 2;
    cluster->serve = hold;
    test_cluster_start(cluster);
    for (unsigned i = 0; i < 6; i++) {
        clients[i] = test_connect(&cluster->address);
        test_run(cluster, 20);
    }
    assert_int_equal(cluster->words[0].open_count, 2);
    assert_int_equal(cluster->words[1].open_count, 2);
    assert_true(coh_rotation_waiting(&cluster->rotation) > 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    test_run(cluster, 500);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true(
        (after.tv_sec - before.tv_sec) * 1000 +
            (after.tv_nsec - before.tv_nsec) / 1000000 <
        100);
    /* A new worker has room. */
    test_worker_kill(&cluster->workers[0]);
    test_worker_spawn(&cluster->workers[0]);
    test_run(cluster, 300);
    assert_int_equal(cluster->words[0].open_count, 2);
    assert_int_equal(coh_rotation_waiting(&cluster->rotation), 0);
    for (unsigned i = 0; i < 6; i++) {
        close(clients[i]);
    }
    test_cluster_stop(cluster);
    free(cluster);
}

static unsigned paused_count;
static unsigned resumed_count;

static void
on_paused(struct coh_rotation *rotation, bool is_paused)
{
    (void)rotation;
    *(is_paused ? &paused_count : &resumed_count) += 1;
}

/* Nobody waits for an acceptor that was stopped, be it for ever or not. */
static void
test_a_stop_ends_the_pause(void **state)
{
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    int clients[40];

    (void)state;
    paused_count = 0;
    resumed_count = 0;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 1;
    cluster->open_max = 1;
    cluster->serve = hold;
    test_cluster_start(cluster);
    cluster->rotation.on_paused = on_paused;
    for (unsigned i = 0; i < 40; i++) { /* more than it is offered at once */
        clients[i] = test_connect(&cluster->address);
    }
    for (unsigned i = 1; i <= 2; i++) {
        for (int k = 0; k < 500 && paused_count < i; k++) {
            test_run(cluster, 20);
        }
        assert_int_equal(paused_count, i);
        assert_int_equal(resumed_count, i - 1);
        coh_acceptor_stop(&cluster->acceptor);
        assert_int_equal(resumed_count, i);
        assert_false(cluster->rotation.pausing.is_paused);
        assert_int_equal(coh_acceptor_start(&cluster->acceptor), 0);
    }
    /* Before it has lasted, it is news to nobody. */
    for (int k = 0; k < 500 && !cluster->acceptor.is_waiting; k++) {
        test_run(cluster, 5);
    }
    assert_true(cluster->acceptor.is_waiting);
    coh_acceptor_stop(&cluster->acceptor);
    test_run(cluster, COH_PAUSING_TOLD_MS + 100);
    assert_int_equal(paused_count, 2);
    assert_int_equal(resumed_count, 2);
    for (unsigned i = 0; i < 40; i++) {
        close(clients[i]);
    }
    test_cluster_stop(cluster);
    free(cluster);
}

/* It may last, or come and go: who reads the log is told now and then. */
static void
test_want_of_descriptors_is_an_alert_once_a_minute(void **state)
{
    uint64_t told_ms = 0;

    (void)state;
    assert_int_equal(coh_pausing_level(&told_ms), COHORT_LOG_ALERT);
    assert_int_equal(coh_pausing_level(&told_ms), COHORT_LOG_DEBUG);
    told_ms -= 59000;
    assert_int_equal(coh_pausing_level(&told_ms), COHORT_LOG_DEBUG);
    told_ms -= 1000;
    assert_int_equal(coh_pausing_level(&told_ms), COHORT_LOG_ALERT);
    assert_int_equal(coh_pausing_level(&told_ms), COHORT_LOG_DEBUG);
}

/* The primary has no descriptor left: it pauses, without spinning, and goes on
   when workers have taken what it had accepted. */
static void
test_descriptors(void **state)
{
    const uint32_t count = 200;
    struct tally *tally = tally_new(count);
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    struct test_fd_limit limit;
    pid_t client;

    (void)state;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 2;
    cluster->serve = serve;
    cluster->user = tally;
    test_cluster_start(cluster);
    client = client_start(&cluster->address, tally, 0, count);
    limit = test_limit_fds(2);
    while (is_running(client)) {
        test_run(cluster, 20);
    }
    assert_true(cluster->acceptor.told_ms > 0);
    test_unlimit_fds(&limit);
    assert_settled(cluster);
    assert_int_equal(tally->doubled, 0);
    assert_int_equal(tally->answered, count);
    test_cluster_stop(cluster);
    free(cluster);
    tally_free(tally, count);
}

/* --- words ---------------------------------------------------------------- */

static void
test_words(void **state)
{
    struct coh_handoff_words words = {0};
    struct coh_frame_connection offer = {.word = 3, .sequence = 5};

    (void)state;
    words.words[3] = coh_handoff_word(5, COH_HANDOFF_OFFERED);
    assert_int_equal(coh_handoff_take(&words, &offer, false), COH_HANDOFF_MINE);
    assert_int_equal(words.words[3], coh_handoff_word(5, COH_HANDOFF_TAKEN));
    assert_int_equal(
        coh_handoff_take(&words, &offer, false), COH_HANDOFF_NOT_MINE);

    words.words[3] = coh_handoff_word(5, COH_HANDOFF_OFFERED);
    assert_int_equal(
        coh_handoff_take(&words, &offer, true), COH_HANDOFF_NOT_MINE);
    assert_int_equal(words.words[3], coh_handoff_word(5, COH_HANDOFF_REFUSED));

    words.words[3] = coh_handoff_word(5, COH_HANDOFF_REVOKED);
    assert_int_equal(
        coh_handoff_take(&words, &offer, false), COH_HANDOFF_NOT_MINE);
    assert_int_equal(words.words[3], coh_handoff_word(5, COH_HANDOFF_SKIPPED));

    /* Another connection's turn by now: its word is left alone. */
    words.words[3] = coh_handoff_word(6, COH_HANDOFF_OFFERED);
    assert_int_equal(
        coh_handoff_take(&words, &offer, false), COH_HANDOFF_NOT_MINE);
    assert_int_equal(words.words[3], coh_handoff_word(6, COH_HANDOFF_OFFERED));
}

/* A worker that writes nonsense harms nobody but itself. */
static void
test_hostile_words(void **state)
{
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    int clients[40];
    unsigned seed = 1;

    (void)state;
    cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    cluster->worker_count = 2;
    cluster->serve = hold;
    test_cluster_start(cluster);
    for (unsigned i = 0; i < 40; i++) {
        clients[i] = test_connect(&cluster->address);
        for (unsigned j = 0; j < COH_HANDOFF_WINDOW; j++) {
            cluster->words[0].words[j] = coh_handoff_word(
                (unsigned)rand_r(&seed) % 4,
                (enum coh_handoff_state)(rand_r(&seed) % 8));
        }
        test_run(cluster, 5);
    }
    test_worker_kill(&cluster->workers[0]);
    test_worker_spawn(&cluster->workers[0]);
    assert_settled(cluster);
    for (unsigned i = 0; i < 40; i++) {
        close(clients[i]);
    }
    test_cluster_stop(cluster);
    free(cluster);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_hostile_words),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_all_full),
        cmocka_unit_test(test_a_stop_ends_the_pause),
        cmocka_unit_test(test_want_of_descriptors_is_an_alert_once_a_minute),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
