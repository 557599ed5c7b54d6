/* A primary in the test's process and workers beside it. */
#include "tests/server/cluster.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/channel/message.h"
#include "tests/core/asleep.h"
#include "tests/core/test.h"

/* --- in a worker ---------------------------------------------------------- */

static void
on_offered(struct coh_channel *channel, struct coh_message *message)
{
    struct test_self *self = channel->user;

    coh_intake_offered(&self->intake, message);
}

static void
on_primary_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct test_self *self = channel->user;

    (void)message;
    coh_loop_stop(&self->loop);
}

static const struct coh_channel_rule worker_rules[] = {
    {
        .type = COH_FRAME_CONNECTIONS,
        .name = "connections",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_connection),
        .max_size = COH_HANDOFF_WINDOW * sizeof(struct coh_frame_connection),
        .max_fds = COH_HANDOFF_WINDOW,
        .may_lose_fds = true,
        .handle = on_offered,
    },
};

static const struct coh_channel_role worker_role = {
    .peer = "primary",
    .rules = worker_rules,
    .rule_count = 1,
    .gone = on_primary_gone,
};

static void
on_connection(void *state, int fd, void *user)
{
    struct test_self *self = state;

    (void)user;
    self->cluster->serve(self, fd);
}

void
test_close(struct test_self *self, int fd)
{
    shutdown(fd, SHUT_RDWR);
    close(fd);
    coh_intake_connection_closed(&self->intake);
}

static void
worker_main(struct test_worker *worker, int fd)
{
    struct test_cluster *cluster = worker->cluster;
    struct test_self self = {.cluster = cluster, .index = worker->index};
    int socket = coh_acceptor_socket(&cluster->acceptor, worker->index);

    assert_int_equal(coh_loop_init(&self.loop, NULL), 0);
    assert_int_equal(
        coh_channel_init(
            &self.channel, &self.loop, fd, &worker_role, &self, &cluster->log),
        0);
    self.intake = (struct coh_intake){
        .loop = &self.loop,
        .log = &cluster->log,
        .channel = &self.channel,
        .words = worker->peer.words,
        .open_max = cluster->open_max > 0 ? cluster->open_max : 100000,
        .on_connection = on_connection,
        .state = &self,
    };
    assert_int_equal(
        coh_turns_init(
            &self.turns, cluster->turns, TEST_WORKERS_MAX, worker->index),
        0);
    self.intake.turns = &self.turns;
    assert_int_equal(coh_intake_init(&self.intake, 1), 0);
    coh_intake_set(
        &self.intake, 0, cluster->policy, &cluster->address,
        socket < 0 ? -1 : dup(socket), NULL);
    assert_int_equal(coh_intake_start(&self.intake), 0);
    coh_channel_send(&self.channel, COH_FRAME_READY, NULL, 0);
    coh_loop_run(&self.loop);
    coh_intake_fini(&self.intake);
    coh_turns_fini(&self.turns);
    coh_channel_fini(&self.channel);
    coh_loop_fini(&self.loop);
}

/* --- in the primary ------------------------------------------------------- */

static void
on_ready(struct coh_channel *channel, struct coh_message *message)
{
    struct test_worker *worker = channel->user;

    (void)message;
    worker->cluster->ready_count++;
    coh_rotation_add(&worker->cluster->rotation, &worker->peer);
}

static void
on_credit(struct coh_channel *channel, struct coh_message *message)
{
    struct test_worker *worker = channel->user;

    (void)message;
    coh_handoff_credit(&worker->peer);
}

static void
on_worker_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct test_worker *worker = channel->user;

    (void)message;
    coh_rotation_remove(&worker->peer);
}

static const struct coh_channel_rule primary_rules[] = {
    {
        .type = COH_FRAME_READY,
        .name = "ready",
        .states = COH_CHANNEL_NEW,
        .handle = on_ready,
    },
    {
        .type = COH_FRAME_CREDIT,
        .name = "credit",
        .states = COH_CHANNEL_NEW,
        .handle = on_credit,
    },
};

static const struct coh_channel_role primary_role = {
    .peer = "worker",
    .rules = primary_rules,
    .rule_count = 2,
    .gone = on_worker_gone,
};

static void *
thread_main(void *user)
{
    struct test_worker *worker = user;

    worker_main(worker, worker->thread_fd);
    return NULL;
}

static void
child_main(struct test_worker *worker, int fd)
{
    struct test_cluster *cluster = worker->cluster;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    coh_loop_abandon(&cluster->loop);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        if (cluster->workers[i].is_running) {
            close(cluster->workers[i].channel.fd);
        }
    }
    worker_main(worker, fd);
    _exit(0);
}

void
test_worker_spawn(struct test_worker *worker)
{
    struct test_cluster *cluster = worker->cluster;
    struct coh_handoff_words *words = &cluster->words[worker->index];
    int pair[2];

    coh_turns_come(cluster->turns, worker->index);
    coh_turns_expect(cluster->turns, worker->index);
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, pair), 0);
    coh_handoff_peer_init(&worker->peer, words, &worker->channel);
    if (cluster->has_threads) {
        worker->thread_fd = pair[1];
        pthread_create(&worker->thread, NULL, thread_main, worker);
    } else {
        worker->pid = fork();
        assert_true(worker->pid >= 0);
        if (worker->pid == 0) {
            close(pair[0]);
            child_main(worker, pair[1]);
        }
        close(pair[1]);
    }
    assert_int_equal(
        coh_channel_init(
            &worker->channel, &cluster->loop, pair[0], &primary_role, worker,
            &cluster->log),
        0);
    worker->is_running = true;
}

static void
end_worker(struct test_worker *worker)
{
    coh_rotation_remove(&worker->peer);
    coh_turns_gone(worker->cluster->turns, worker->index);
    if (worker->is_running) {
        coh_channel_fini(&worker->channel);
    }
    worker->is_running = false;
}

void
test_worker_kill(struct test_worker *worker)
{
    kill(worker->pid, SIGKILL);
    waitpid(worker->pid, NULL, 0);
    end_worker(worker);
}

static void
wait_ready(struct test_cluster *cluster, unsigned count)
{
    for (int i = 0; i < 5000 && cluster->ready_count < count; i++) {
        test_run(cluster, 1);
    }
    assert_int_equal(cluster->ready_count, count);
}

static void *
share(size_t size)
{
    void *memory = mmap(
        NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

void
test_cluster_start(struct test_cluster *cluster)
{
    struct coh_listen_request request = {
        .options = {.backlog = 4096, .policy = cluster->policy},
    };
    char why[COH_LISTENER_WHY_MAX];

    coh_log_init(&cluster->log, NULL);
    assert_int_equal(coh_loop_init(&cluster->loop, NULL), 0);
    coh_listeners_init(&cluster->listeners, &cluster->log);
    request.address.u.v4.sin_family = AF_INET;
    request.address.u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request.address.size = sizeof(request.address.u.v4);
    assert_int_equal(
        coh_listener_open(
            &cluster->listeners, &request, &cluster->listener, why),
        0);
    cluster->address = cluster->listener->address;
    cluster->words = share(TEST_WORKERS_MAX * sizeof(*cluster->words));
    cluster->turns = share(coh_turns_area_size(TEST_WORKERS_MAX));
    coh_rotation_init(&cluster->rotation, &cluster->loop, &cluster->log);
    assert_int_equal(
        coh_acceptor_init(
            &cluster->acceptor, cluster->policy, cluster->listener,
            &cluster->rotation, 0, cluster->worker_count, why),
        0);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        cluster->workers[i].cluster = cluster;
        cluster->workers[i].index = i;
        test_worker_spawn(&cluster->workers[i]);
        wait_ready(cluster, i + 1);
    }
    assert_int_equal(coh_acceptor_start(&cluster->acceptor), 0);
}

void
test_cluster_stop(struct test_cluster *cluster)
{
    coh_acceptor_fini(&cluster->acceptor);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        struct test_worker *worker = &cluster->workers[i];

        end_worker(worker);
        if (cluster->has_threads) {
            pthread_join(worker->thread, NULL);
        } else {
            kill(worker->pid, SIGCONT);
            waitpid(worker->pid, NULL, 0);
        }
    }
    coh_rotation_fini(&cluster->rotation);
    coh_listeners_fini(&cluster->listeners, true);
    coh_loop_fini(&cluster->loop);
    munmap(cluster->words, TEST_WORKERS_MAX * sizeof(*cluster->words));
    munmap(cluster->turns, coh_turns_area_size(TEST_WORKERS_MAX));
}

void
test_wait_asleep(struct test_cluster *cluster)
{
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        while (!test_is_asleep(cluster->workers[i].pid)) {
            test_run(cluster, 1);
        }
    }
}

static void
on_time(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_loop_stop(user);
}

void
test_run(struct test_cluster *cluster, unsigned milliseconds)
{
    const struct timeval delay = {
        .tv_sec = milliseconds / 1000,
        .tv_usec = milliseconds % 1000 * 1000,
    };
    struct event end;

    event_assign(&end, cluster->loop.base, -1, 0, on_time, &cluster->loop);
    event_add(&end, &delay);
    coh_loop_run(&cluster->loop);
    event_del(&end);
}

int
test_connect(const struct coh_addr *address)
{
    int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address->u.any, address->size), 0);
    return fd;
}
