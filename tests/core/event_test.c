/* The loop: its time, its deadlines, its place in the queue of a listener. */
#include "tests/core/asleep.h"
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/event.h"
#include "core/log.h"
#include "core/socket.h"

static struct coh_loop loop;
static unsigned due_count;

static void
on_due(struct coh_deadline *deadline)
{
    (void)deadline;
    due_count++;
    coh_loop_stop(&loop);
}

static void
test_epoll_found(void **state)
{
    struct epoll_event event;
    int unrelated = fcntl(0, F_DUPFD_CLOEXEC, 100);

    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_true(loop.epoll_fd > 2);
    assert_int_equal(epoll_wait(loop.epoll_fd, &event, 1, 0), 0);
    coh_loop_fini(&loop);
    coh_loop_fini(&loop);
    close(unrelated);
}

static void
test_deadline(void **state)
{
    struct coh_deadline deadline = {.at_ms = 0};
    uint64_t start_ms = coh_monotonic_ms();
    uint64_t took_ms;

    (void)state;
    due_count = 0;
    assert_int_equal(coh_loop_init(&loop, on_due), 0);
    coh_deadline_set(&loop.wheel, &deadline, coh_loop_now_ms(&loop) + 300);
    assert_int_equal(coh_loop_run(&loop), 0);
    took_ms = coh_monotonic_ms() - start_ms;
    assert_int_equal(due_count, 1);
    assert_true(took_ms >= 300 - 10);
    assert_true(took_ms < 5000); /* 300 + 250, on a machine that is not busy */
    assert_false(evtimer_pending(&loop.tick, NULL));
    coh_loop_fini(&loop);
}

static void
look_at_clock(evutil_socket_t fd, short what, void *user)
{
    struct timespec wall;
    int64_t difference_ms;

    (void)fd;
    (void)what;
    coh_loop_update(user);
    clock_gettime(CLOCK_REALTIME, &wall);
    difference_ms = (wall.tv_sec - loop.clock.wall.tv_sec) * 1000 +
        (wall.tv_nsec / 1000 - loop.clock.wall.tv_usec) / 1000;
    assert_in_range(difference_ms + 1000, 0, 2000);
    assert_in_range(
        coh_monotonic_ms() - coh_loop_now_ms(&loop) + 1000, 1000, 2000);
    coh_loop_stop(user);
}

static void
test_time(void **state)
{
    struct timeval soon = {.tv_usec = 30000};
    uint64_t before_ms;

    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    before_ms = coh_loop_now_ms(&loop);
    event_base_once(loop.base, -1, EV_TIMEOUT, look_at_clock, &loop, &soon);
    assert_int_equal(coh_loop_run(&loop), 0);
    assert_true(coh_loop_now_ms(&loop) >= before_ms + 20);
    coh_loop_fini(&loop);
}

static void
stop_on_event(evutil_socket_t fd, short what, void *user)
{
    char byte;

    (void)what;
    assert_int_equal(read(fd, &byte, 1), 1);
    coh_loop_stop(user);
}

static void
test_abandon(void **state)
{
    struct event event;
    int status;
    pid_t child;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    event_assign(
        &event, loop.base, fds[0], EV_READ | EV_PERSIST, stop_on_event, &loop);
    assert_int_equal(event_add(&event, NULL), 0);
    child = fork();
    if (child == 0) {
        coh_loop_abandon(&loop);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    alarm(10);
    assert_int_equal(coh_loop_run(&loop), 0);
    alarm(0);
    event_del(&event);
    coh_loop_fini(&loop);
    close(fds[0]);
    close(fds[1]);
}

static void
test_complaints(void **state)
{
    struct coh_log_target target;
    struct cohort_log log;
    struct event event;
    char text[1000] = "";
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    target = (struct coh_log_target){.fd = fds[1]};
    coh_log_init(&log, NULL);
    coh_log_add_target(&log, &target, COHORT_LOG_INFO);
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    coh_loop_log(&log);
    event_assign(&event, loop.base, 987, EV_READ, stop_on_event, &loop);
    assert_int_equal(event_add(&event, NULL), -1); /* no such descriptor */
    coh_loop_log(NULL);
    assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "[warn] "));
    assert_non_null(strstr(text, ": libevent: "));
    coh_loop_fini(&loop);
    close(fds[0]);
    close(fds[1]);
}

/* One of several processes that accept from a socket: tells its number to each
   client, having gone to the end of the queue before. */
struct acceptor {
    struct event event;
    char number;
};

static void
on_connection(evutil_socket_t fd, short what, void *user)
{
    struct acceptor *acceptor = user;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)what;
    if (client < 0 ||
        coh_event_requeue_exclusive(&loop, &acceptor->event) < 0) {
        _exit(1); /* woken for nothing */
    }
    if (write(client, &acceptor->number, 1) == 1) {
        close(client);
    }
}

static void
run_acceptor(int listener, char number, int ready)
{
    struct acceptor acceptor = {.number = number};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (coh_loop_init(&loop, NULL) < 0) {
        _exit(1);
    }
    event_assign(
        &acceptor.event, loop.base, listener, EV_READ | EV_PERSIST,
        on_connection, &acceptor);
    if (coh_event_add_exclusive(&loop, &acceptor.event) < 0 ||
        write(ready, "x", 1) != 1) {
        _exit(1);
    }
    coh_loop_run(&loop);
    _exit(0);
}

static int
open_listener(struct coh_addr *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *addr = (struct coh_addr){
        .u.v4 =
            {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            },
        .size = sizeof(addr->u.v4),
    };
    assert_int_equal(bind(fd, &addr->u.any, addr->size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(coh_addr_of_socket(fd, addr), 0);
    return fd;
}

static char
ask_number(const struct coh_addr *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char number = '?';

    assert_int_equal(connect(fd, &addr->u.any, addr->size), 0);
    assert_int_equal(read(fd, &number, 1), 1);
    close(fd);
    return number;
}

/* Whoever was woken by the last connection stands in the queue again. */
static void
wait_asleep(const pid_t *children, int count)
{
    for (int i = 0; i < count; i++) {
        while (!test_is_asleep(children[i])) {
            usleep(100);
        }
    }
}

static void
test_exclusive_in_turn(void **state)
{
    enum {
        ACCEPTORS = 3,
        CONNECTIONS = 30
    };
    unsigned counts[ACCEPTORS] = {0};
    pid_t children[ACCEPTORS];
    struct coh_addr addr;
    int listener = open_listener(&addr);
    int ready[2];
    char byte;

    (void)state;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    for (int i = 0; i < ACCEPTORS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            run_acceptor(listener, (char)i, ready[1]);
        }
    }
    for (int i = 0; i < ACCEPTORS; i++) {
        assert_int_equal(read(ready[0], &byte, 1), 1);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        wait_asleep(children, ACCEPTORS);
        counts[(int)ask_number(&addr)]++;
    }
    for (int i = 0; i < ACCEPTORS; i++) {
        int status;

        assert_int_equal(counts[i], CONNECTIONS / ACCEPTORS);
        kill(children[i], SIGTERM);
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFSIGNALED(status));
    }
    close(ready[0]);
    close(ready[1]);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoll_found),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_exclusive_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
