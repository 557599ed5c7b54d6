/* Seats that cannot be had: the member is told, and nothing of them is left. */
#include "server/cluster/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/core/test.h"
#include "tests/server/members.h"

static unsigned
site_count(const struct test_members *members)
{
    const struct coh_site *site;
    unsigned count = 0;

    TAILQ_FOREACH (site, &members->primary->cluster.sites, link) {
        count++;
    }
    return count;
}

/* Without SO_REUSEPORT: no other socket can have its address. */
static int
open_alone(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void
test_a_place_that_cannot_be_had(void **state)
{
    struct test_members *members = *state;
    struct test_member first = test_member_come(members, 0);
    struct test_member second = test_member_come(members, 0);
    const struct coh_query query = {
        .fd = open_alone(),
        .options = {.policy = COHORT_POLICY_REUSEPORT},
    };
    const struct coh_site *site;
    struct test_answer answer = test_member_query(&first, &query);

    assert_int_equal(answer.frame.result, 0);
    assert_int_equal(answer.fd_count, 1);
    answer = test_member_query(&second, &query);
    assert_int_equal(answer.frame.result, -EADDRINUSE);
    assert_int_equal(answer.frame.number, 0);
    assert_int_equal(answer.fd_count, 0);
    site = TAILQ_FIRST(&members->primary->cluster.sites);
    assert_ptr_equal(TAILQ_FIRST(&site->seats)->member, first.worker);
    assert_null(TAILQ_NEXT(TAILQ_FIRST(&site->seats), site_link));
    assert_ptr_equal(
        TAILQ_FIRST(&site->rotation.peers), &TAILQ_FIRST(&site->seats)->peer);
    assert_null(TAILQ_NEXT(TAILQ_FIRST(&site->rotation.peers), link));
    test_member_die(&first);
    test_member_die(&second);
    assert_int_equal(site_count(members), 0);
    close(query.fd);
}

/* Its library asks for no more; what speaks the protocol may. */
static void
test_more_addresses_than_a_member_may_have(void **state)
{
    struct test_members *members = *state;
    struct test_member member = test_member_come(members, 0);
    struct test_answer answer;
    struct coh_query query;
    const char *why;

    assert_int_equal(
        coh_query_parse(
            "127.0.0.1:0", &(struct cohort_listen_settings){0}, &query, &why),
        0);
    for (; query.ordinal < COH_SEATS_MAX; query.ordinal++) {
        assert_int_equal(test_member_query(&member, &query).frame.result, 0);
    }
    answer = test_member_query(&member, &query);
    assert_int_equal(answer.frame.result, -ENOSPC);
    assert_int_equal(answer.frame.number, 0);
    assert_int_equal(site_count(members), COH_SEATS_MAX);
    test_member_die(&member);
    assert_int_equal(site_count(members), 0);
}

#define SITE_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(                                           \
        test, test_members_setup, test_members_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(test_a_place_that_cannot_be_had),
        SITE_TEST(test_more_addresses_than_a_member_may_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
