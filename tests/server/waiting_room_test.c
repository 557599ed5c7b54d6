/* Who may wait for how long, and who has to make room for whom. */
#include "server/process/waiting_room.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "tests/core/test.h"

#define PLACES 3
#define PATIENCE_MS 100
#define LOOKS 200 /* of 10 ms: longer than anybody has patience */

static struct coh_loop loop;
static struct coh_waiting_room room;
static unsigned ready_count;

static void
on_request(void *user)
{
    assert_ptr_equal(user, &room);
    ready_count++;
}

static int
setup(void **state)
{
    (void)state;
    ready_count = 0;
    if (coh_loop_init(&loop, NULL) < 0) {
        return -1;
    }
    coh_waiting_room_init(&room, &loop, PLACES, PATIENCE_MS, on_request, &room);
    return 0;
}

static int
teardown(void **state)
{
    unsigned door;
    int fd;

    (void)state;
    coh_waiting_room_clear(&room);
    while ((fd = coh_waiting_room_next(&room, &door)) >= 0) {
        close(fd);
    }
    coh_loop_fini(&loop);
    return 0;
}

/* One comes in by door and says text; its own end. */
static int
come(unsigned door, const char *text)
{
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(
        send(ends[0], text, strlen(text), 0), (ssize_t)strlen(text));
    coh_waiting_room_enter(&room, ends[1], door);
    return ends[0];
}

static void
say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

static bool
is_let_go(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* The loop turns until then. */
static void
wait_let_go(int fd)
{
    const struct timeval pause = {.tv_usec = 10000};

    for (int i = 0; i < LOOKS && !is_let_go(fd); i++) {
        event_base_loopexit(loop.base, &pause);
        event_base_dispatch(loop.base);
    }
    assert_true(is_let_go(fd));
}

/* The next one that is ready came by that door, and nothing of its is lost. */
static void
expect_next(unsigned door, const char *text)
{
    char got[64] = "";
    unsigned by = 99;
    int fd = coh_waiting_room_next(&room, &by);

    assert_true(fd >= 0);
    assert_int_equal(by, door);
    assert_int_equal(
        recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
    assert_string_equal(got, text);
    close(fd);
}

static void
expect_nobody(void)
{
    unsigned door;

    assert_int_equal(coh_waiting_room_next(&room, &door), -1);
}

/* --- tests ---------------------------------------------------------------- */

static void
test_a_whole_head_is_ready_at_once(void **state)
{
    int fd = come(1, "GET / HTTP/1.0\r\n\r\n");

    (void)state;
    assert_int_equal(ready_count, 1);
    expect_next(1, "GET / HTTP/1.0\r\n\r\n");
    expect_nobody();
    close(fd);
}

static void
test_a_head_in_pieces_is_ready_with_the_last(void **state)
{
    int fd = come(2, "GET / HT");

    (void)state;
    say(fd, "TP/1.0\r\n");
    say(fd, "\r");
    assert_int_equal(ready_count, 0);
    expect_nobody();
    say(fd, "\n");
    assert_int_equal(ready_count, 1);
    expect_next(2, "GET / HTTP/1.0\r\n\r\n");
    close(fd);
}

static void
test_what_can_be_no_request_is_not_waited_for(void **state)
{
    int fd = come(0, "\x16\x03");

    (void)state;
    expect_next(0, "\x16\x03");
    close(fd);
}

static void
test_who_goes_leaves_a_place(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * PLACES; i++) {
        close(come(0, "GET"));
    }
    for (int i = 0; i < PLACES; i++) {
        close(come(0, ""));
    }
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
    assert_true(TAILQ_EMPTY(&room.ready));
}

static void
test_patience_ends_also_with_one_that_drips(void **state)
{
    const struct timeval pause = {.tv_usec = 10000};
    int silent = come(0, "");
    int dripping = come(0, "G");

    (void)state;
    for (int i = 0; i < LOOKS && !is_let_go(dripping); i++) {
        (void)send(dripping, "G", 1, MSG_NOSIGNAL);
        event_base_loopexit(loop.base, &pause);
        event_base_dispatch(loop.base);
    }
    assert_true(is_let_go(dripping));
    wait_let_go(silent);
    close(silent);
    close(dripping);
}

static void
test_the_silent_make_room_first_the_oldest_of_them(void **state)
{
    int ready = come(1, "A\n\n");
    int old = come(0, "");
    int young = come(0, "");
    int newcomers[PLACES];

    (void)state;
    newcomers[0] = come(2, "B\n\n");
    assert_true(is_let_go(old));
    assert_false(is_let_go(young));
    newcomers[1] = come(3, "C\n\n");
    assert_true(is_let_go(young));
    newcomers[2] = come(4, "D\n\n"); /* nobody is silent any more */
    assert_true(is_let_go(ready));
    expect_next(2, "B\n\n");
    expect_next(3, "C\n\n");
    expect_next(4, "D\n\n");
    expect_nobody();
    close(ready);
    close(old);
    close(young);
    for (int i = 0; i < PLACES; i++) {
        close(newcomers[i]);
    }
}

static void
test_clearing_looks_once_more(void **state)
{
    int silent = come(0, "");
    int asking = come(1, "");

    (void)state;
    assert_int_equal(send(asking, "A\n\n", 3, 0), 3);
    coh_waiting_room_clear(&room);
    assert_true(is_let_go(silent));
    expect_next(1, "A\n\n");
    close(silent);
    close(asking);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_head_is_ready_at_once),
        TEST(test_a_head_in_pieces_is_ready_with_the_last),
        TEST(test_what_can_be_no_request_is_not_waited_for),
        TEST(test_who_goes_leaves_a_place),
        TEST(test_patience_ends_also_with_one_that_drips),
        TEST(test_the_silent_make_room_first_the_oldest_of_them),
        TEST(test_clearing_looks_once_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
