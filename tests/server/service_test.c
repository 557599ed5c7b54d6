/* The whole engine under a service of our own, which answers every connection
   with the number of its worker: primary, template and workers as a program
   with its own service would run them. */
#include <cohort/cohort.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "server/primary/primary.h"
#include "server/process/spawn.h"
#include "tests/core/test.h"

/* --- the service ---------------------------------------------------------- */

struct teller {
    struct cohort_self *self; /* NULL before start */
    char mode;                /* what mode said when it was loaded */
};

/* What the next generation will be like. */
enum mode {
    GOOD = 'g',
    FAILS = 'f',      /* its load */
    HANGS = 'h',      /* its load, too */
    STARTS_NOT = 's', /* its workers end before they are ready */
    CRASHES = 'c',    /* on each connection */
};

static struct sockaddr_in address; /* where it listens */
static char *mode;                 /* shared with the engine */

static int
teller_load(
    struct cohort_load *load, void *const *settings, void *user, void **state)
{
    static const struct cohort_counter counter = {
        .name = "answers_total", .help = "Connections answered."};
    struct teller *teller;
    size_t first;

    (void)settings;
    if (*mode == FAILS) {
        return cohort_load_error(load, "cannot tell anything");
    }
    if (*mode == HANGS) {
        pause();
    }
    teller = calloc(1, sizeof(*teller));
    teller->mode = *mode;
    *state = teller;
    return cohort_load_counters(load, &counter, 1, &first) < 0
        ? -ENOSPC
        : cohort_load_listen(
              load, (struct sockaddr *)&address, sizeof(address), NULL, user);
}

static int
teller_start(struct cohort_self *self, void *state)
{
    struct teller *teller = state;

    teller->self = self;
    return teller->mode == STARTS_NOT ? -EINVAL : 0;
}

static void
teller_connection(void *state, int fd, void *user)
{
    struct teller *teller = state;
    char answer[32];
    int size =
        snprintf(answer, sizeof(answer), "%u\n", cohort_self_id(teller->self));

    (void)user;
    if (teller->mode == CRASHES) {
        raise(SIGKILL);
    }
    (void)!write(fd, answer, (size_t)size);
    cohort_self_counters(teller->self)[0]++;
    shutdown(fd, SHUT_RDWR);
    close(fd);
    cohort_self_connection_closed(teller->self);
}

static void
teller_drain(void *state)
{
    cohort_self_idle(((struct teller *)state)->self);
}

static const struct cohort_service teller_service = {
    .api = COHORT_SERVICE_API,
    .name = "teller",
    .load = teller_load,
    .start = teller_start,
    .connection = teller_connection,
    .drain = teller_drain,
    .stop = free,
    .unload = free,
};

/* --- running it ----------------------------------------------------------- */

/* Start the engine in a child; returns its pid when it serves. */
static pid_t
start(const char *text)
{
    struct coh_options options = {
        .program = "teller",
        .prefix = "/tmp",
        .text = cohort_str(text),
        .text_name = "text",
    };
    struct coh_program program = {
        .options = &options,
        .service = &teller_service,
        .is_forked = true,
        .starter = -1,
    };
    pid_t pid = fork();

    if (pid == 0) {
        coh_log_forked();
        (void)!freopen("/dev/null", "w", stderr);
        _exit(coh_spawn_init() < 0 ? 2 : coh_primary_run(&program));
    }
    return pid;
}

/* A port that is free now. */
static void
choose_address(void)
{
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
}

/* The number of the worker that answers; 0: nobody does. */
static unsigned
ask(void)
{
    char answer[32] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t size = 0;
    ssize_t got = -1;

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        while ((got = read(fd, answer + size, sizeof(answer) - 1 - size)) > 0) {
            size += (size_t)got;
        }
    }
    close(fd);
    return (unsigned)strtoul(answer, NULL, 10);
}

/* Ask until the answer is at least least, for ten seconds. */
static unsigned
ask_until(unsigned least)
{
    uint64_t end_ms = coh_monotonic_ms() + 10000;
    unsigned answer;

    while ((answer = ask()) < least && coh_monotonic_ms() < end_ms) {
        usleep(1000);
    }
    return answer;
}

static int
end(pid_t pid, int number)
{
    int status = -1;

    assert_int_equal(kill(pid, number), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static const char *const policies[] = {
    "round_robin", "least_conn", "shared", "reuseport"};

/* Every policy serves, a reload brings new workers, QUIT ends it. */
static void
test_serve_reload_quit(void **state)
{
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        pid_t pid;
        unsigned first;

        snprintf(
            text, sizeof(text), "worker_processes 2; scheduling_policy %s;",
            policies[i]);
        choose_address();
        pid = start(text);
        first = ask_until(1);
        assert_in_range(first, 1, 2);
        assert_int_equal(kill(pid, SIGHUP), 0);
        assert_in_range(ask_until(3), 3, 4);
        assert_int_equal(end(pid, SIGQUIT), 0);
        assert_int_equal(ask(), 0);
    }
}

static void
test_round_robin_takes_turns(void **state)
{
    pid_t pid;
    unsigned before;

    (void)state;
    choose_address();
    pid = start("worker_processes 2;");
    before = ask_until(1);
    for (int i = 0; i < 20; i++) {
        unsigned now = ask();

        assert_int_equal(now, 3 - before);
        before = now;
    }
    assert_int_equal(end(pid, SIGTERM), 0);
}

/* A generation that cannot be had changes nothing, however it fails. */
static void
test_a_reload_that_fails_changes_nothing(void **state)
{
    static const char failures[] = {FAILS, HANGS, STARTS_NOT};
    pid_t pid;

    (void)state;
    choose_address();
    pid = start("worker_processes 2; reload_timeout 300ms;");
    assert_in_range(ask_until(1), 1, 2);
    for (size_t i = 0; i < sizeof(failures); i++) {
        *mode = failures[i];
        assert_int_equal(kill(pid, SIGHUP), 0);
        usleep(600 * 1000);
        assert_in_range(ask(), 1, 2);
    }
    *mode = GOOD;
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_true(ask_until(3) >= 3);
    assert_int_equal(end(pid, SIGQUIT), 0);
}

static void
test_a_start_that_fails_ends_it(void **state)
{
    static const char failures[] = {FAILS, STARTS_NOT};

    (void)state;
    for (size_t i = 0; i < sizeof(failures); i++) {
        int status = 0;
        pid_t pid;

        choose_address();
        *mode = failures[i];
        pid = start("worker_processes 2;");
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 1);
    }
    *mode = GOOD;
}

/* Workers that die at every connection are replaced, later and later; a reload
   with a better one helps at once. */
static void
test_a_crash_loop_can_be_left(void **state)
{
    pid_t pid;

    (void)state;
    choose_address();
    *mode = CRASHES;
    pid = start("worker_processes 1;");
    usleep(200 * 1000);
    for (int i = 0; i < 8; i++) { /* the last ones wait for their worker */
        assert_int_equal(ask(), 0);
    }
    *mode = GOOD;
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_true(ask_until(1) > 5);
    assert_int_equal(end(pid, SIGQUIT), 0);
}

static void
test_a_wrong_configuration_ends_it(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    choose_address();
    pid = start("worker_processes none;");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve_reload_quit),
        cmocka_unit_test(test_round_robin_takes_turns),
        cmocka_unit_test(test_a_reload_that_fails_changes_nothing),
        cmocka_unit_test(test_a_start_that_fails_ends_it),
        cmocka_unit_test(test_a_crash_loop_can_be_left),
        cmocka_unit_test(test_a_wrong_configuration_ends_it),
    };

    mode = mmap(
        NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mode == MAP_FAILED) {
        return 1;
    }
    *mode = GOOD;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
