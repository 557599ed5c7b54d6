/* Socket addresses: parsed, compared, printed. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/str.h"
#include "tests/core/limit.h"

static struct coh_addr
parse(const char *text)
{
    struct coh_addr addr;
    const char *why = NULL;

    if (coh_addr_parse(cohort_str(text), 80, &addr, &why) < 0) {
        fail_msg("%s in \"%s\"", why, text);
    }
    return addr;
}

static void
expect(const char *text, const char *formatted)
{
    struct coh_addr addr = parse(text);
    char out[COH_ADDR_TEXT_MAX];

    assert_string_equal(coh_addr_format(&addr, out), formatted);
}

static void
expect_refused(const char *text, int result)
{
    struct coh_addr addr;
    const char *why = NULL;

    assert_int_equal(coh_addr_parse(cohort_str(text), 80, &addr, &why), result);
    assert_non_null(why);
}

static void
test_parse(void **state)
{
    (void)state;
    expect("8000", "0.0.0.0:8000");
    expect("*:81", "0.0.0.0:81");
    expect("*", "0.0.0.0:80");
    expect("127.0.0.1:81", "127.0.0.1:81");
    expect("255.255.255.255", "255.255.255.255:80");
    expect("[::1]:81", "[::1]:81");
    expect("[::]", "[::]:80");
    expect("[2001:DB8::a]", "[2001:db8::a]:80");
    expect("localhost:65535", "127.0.0.1:65535");
    expect("unix:/run/x.sock", "unix:/run/x.sock");
}

static void
test_refused(void **state)
{
    char path[200] = "unix:/";

    (void)state;
    expect_refused("", -EINVAL);
    expect_refused(":80", -EINVAL);
    expect_refused("0", -EINVAL);
    expect_refused("65536", -EINVAL);
    expect_refused("99999999999999999999999", -EINVAL);
    expect_refused("127.0.0.1:", -EINVAL);
    expect_refused("127.0.0.1:x", -EINVAL);
    expect_refused("127.0.0.1:0", -EINVAL);
    expect_refused("::1", -EINVAL);
    expect_refused("[::1", -EINVAL);
    expect_refused("[::1]80", -EINVAL);
    expect_refused("[::1]:", -EINVAL);
    expect_refused("[]:80", -EINVAL);
    expect_refused("[127.0.0.1]:80", -EINVAL);
    expect_refused("no host\x01name:80", -ENOENT);
    expect_refused("unix:", -EINVAL);
    memset(path + 6, 'a', 106);
    assert_int_equal(parse(path).size, sizeof(struct sockaddr_un));
    path[112] = 'a';
    expect_refused(path, -ENAMETOOLONG);
    memset(path, 'a', sizeof(path) - 1);
    expect_refused(path, -ENOENT);
}

static void
test_what_cannot_be_resolved_says_why(void **state)
{
    struct test_fd_limit limit;
    struct coh_addr addr;
    const char *why = NULL;

    (void)state;
    coh_addr_parse(cohort_str("no host:80"), 80, &addr, &why);
    assert_string_equal(why, "host not found");

    /* Without descriptors nobody can know. */
    limit = test_limit_fds(0);
    assert_int_equal(
        coh_addr_parse(cohort_str("some.name.invalid:80"), 80, &addr, &why),
        -ENOENT);
    test_unlimit_fds(&limit);
    assert_string_not_equal(why, "host not found");
}

static void
test_equal(void **state)
{
    struct coh_addr a = parse("127.0.0.1:81");
    struct coh_addr b = parse("127.0.0.1:82");
    struct coh_addr c = parse("[::1]:81");
    struct coh_addr d = parse("unix:/a");
    struct coh_addr e = parse("unix:/ab");

    (void)state;
    assert_true(coh_addr_equal(&a, &a));
    assert_false(coh_addr_equal(&a, &b));
    assert_false(coh_addr_equal(&a, &c));
    assert_true(coh_addr_equal(&c, &c));
    assert_true(coh_addr_equal(&d, &d));
    assert_false(coh_addr_equal(&d, &e));

    coh_addr_set_port(&b, 81);
    assert_int_equal(coh_addr_port(&b), 81);
    assert_true(coh_addr_equal(&a, &b));
    assert_int_equal(coh_addr_port(&d), 0);
}

/* Of what another process has sent. */
static void
test_validity(void **state)
{
    struct coh_addr addr = parse("127.0.0.1:80");

    (void)state;
    assert_true(coh_addr_is_valid(&addr));
    addr.size--;
    assert_false(coh_addr_is_valid(&addr));
    addr = parse("[::1]:80");
    assert_true(coh_addr_is_valid(&addr));
    addr.u.any.sa_family = AF_INET;
    assert_false(coh_addr_is_valid(&addr));
    addr.u.any.sa_family = AF_NETLINK;
    assert_false(coh_addr_is_valid(&addr));
    addr = parse("unix:/ab");
    assert_true(coh_addr_is_valid(&addr));
    addr.u.local.sun_path[1] = '\0';
    assert_false(coh_addr_is_valid(&addr));
    addr = parse("unix:/ab");
    addr.u.local.sun_path[3] = 'c';
    assert_false(coh_addr_is_valid(&addr));
    addr.size = sizeof(addr.u.local) + 1;
    assert_false(coh_addr_is_valid(&addr));
}

static void
test_wildcard(void **state)
{
    struct coh_addr v4 = parse("80");
    struct coh_addr v6 = parse("[::]");
    struct coh_addr one = parse("127.0.0.1");
    struct coh_addr local = parse("unix:/a");

    (void)state;
    assert_true(coh_addr_is_wildcard(&v4));
    assert_true(coh_addr_is_wildcard(&v6));
    assert_false(coh_addr_is_wildcard(&one));
    assert_false(coh_addr_is_wildcard(&local));
}

static void
test_of_sockets(void **state)
{
    struct coh_addr addr = parse("127.0.0.1:80");
    char out[COH_ADDR_TEXT_MAX];
    int fds[2];
    int fd;

    (void)state;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    coh_addr_set_port(&addr, 0);
    assert_int_equal(bind(fd, &addr.u.any, addr.size), 0);
    assert_int_equal(coh_addr_of_socket(fd, &addr), 0);
    assert_true(coh_addr_port(&addr) > 0);
    assert_string_equal(coh_addr_format_host(&addr, out), "127.0.0.1");
    assert_int_equal(coh_addr_of_peer(fd, &addr), -ENOTCONN);
    close(fd);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(coh_addr_of_peer(fds[0], &addr), 0);
    assert_string_equal(coh_addr_format(&addr, out), "unix:");
    assert_string_equal(coh_addr_format_host(&addr, out), "unix:");
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(coh_addr_of_socket(-1, &addr), -EBADF);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_cannot_be_resolved_says_why),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_wildcard),
        cmocka_unit_test(test_of_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
