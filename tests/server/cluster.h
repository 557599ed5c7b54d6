/* A primary in the test's process and workers beside it, for tests of the
   hand-off: everything real but what is served. */
#ifndef COH_TESTS_SERVER_CLUSTER_H
#define COH_TESTS_SERVER_CLUSTER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/event.h"
#include "core/log.h"
#include "server/accept/acceptor.h"
#include "server/accept/intake.h"
#include "server/channel/channel.h"

#define TEST_WORKERS_MAX 8

struct test_cluster;

/* A worker from inside. */
struct test_self {
    struct test_cluster *cluster;
    unsigned index;
    struct coh_loop loop;
    struct coh_channel channel;
    struct coh_intake intake;
    struct coh_turns turns;
};

/* A worker, seen from the primary. */
struct test_worker {
    struct test_cluster *cluster;
    struct coh_channel channel;
    struct coh_handoff_peer peer;
    unsigned index;
    pid_t pid;        /* 0: none */
    pthread_t thread; /* instead of a process */
    bool is_running;
    int thread_fd; /* what the thread starts with */
};

struct test_cluster {
    /* Set before test_cluster_start. */
    enum cohort_policy policy;
    unsigned worker_count;
    unsigned open_max;    /* 0: 100,000 */
    bool has_threads;     /* workers are threads */
    bool starts_in_order; /* wait until each worker is there */
    /* In the worker: a connection. Ends with test_close(). */
    void (*serve)(struct test_self *self, int fd);
    void *user;

    struct coh_loop loop;
    struct cohort_log log;
    struct coh_listeners listeners;
    struct coh_listener *listener;
    struct coh_rotation rotation;
    struct coh_acceptor acceptor;
    struct coh_addr address;         /* where it listens */
    struct coh_handoff_words *words; /* by worker */
    struct coh_turns_area *turns;    /* by worker */
    struct test_worker workers[TEST_WORKERS_MAX];
    unsigned ready_count;
};

/* All workers are ready when it returns. */
void test_cluster_start(struct test_cluster *cluster);

/* End all workers and close everything. */
void test_cluster_stop(struct test_cluster *cluster);

/* Start a worker in the place of one that is gone. */
void test_worker_spawn(struct test_worker *worker);

/* SIGKILL, and what the primary does then. */
void test_worker_kill(struct test_worker *worker);

/* In the worker: shutdown, close, count. */
void test_close(struct test_self *self, int fd);

/* Wait, in the primary's loop, until every worker (a process) sleeps: it has
   done what it was woken for. */
void test_wait_asleep(struct test_cluster *cluster);

/* Run the primary's loop for that long. */
void test_run(struct test_cluster *cluster, unsigned milliseconds);

/* A blocking client socket, connected. */
int test_connect(const struct coh_addr *address);

#endif
