/* Who has which place among the members that accept from one socket, and which
   members are told; the test stands in the place of their processes. */
#include "server/cluster/site_turns.h"

#include "tests/core/test.h"
#include "tests/server/members.h"

static struct test_member
come_new(struct test_members *members)
{
    return test_member_come(members, COH_CLUSTER_TAKES_TURNS);
}

static struct test_answer
ask_for(
    struct test_member *member, const char *address, enum cohort_policy policy)
{
    const struct cohort_listen_settings settings = {
        .socket = {.policy = policy}};
    struct coh_query query;
    struct test_answer told;
    const char *why;

    assert_int_equal(coh_query_parse(address, &settings, &query, &why), 0);
    told = test_member_query(member, &query);
    assert_int_equal(told.frame.result, 0);
    return told;
}

static struct test_answer
listen_at(struct test_member *member, enum cohort_policy policy)
{
    return ask_for(member, "127.0.0.1:0", policy);
}

static struct test_answer
take_place(struct test_member *member, const char *address)
{
    struct test_answer told = ask_for(member, address, COHORT_POLICY_SHARED);

    assert_int_equal(told.fd_count, 2);
    assert_int_equal(told.frame.turn_count, COH_SITE_TURNS_MAX);
    return told;
}

static unsigned
place_of(struct test_member *member)
{
    return take_place(member, "127.0.0.1:0").frame.turn;
}

/* Where those that asked for port 0 have been told to listen. */
static void
number_of(const struct test_answer *told, char text[COH_ADDR_TEXT_MAX])
{
    coh_addr_format(&told->frame.bound, text);
}

static void
leave(struct test_member *member, uint32_t site)
{
    const struct coh_cluster_site frame = {.number = site};

    test_member_say(member, COH_CLUSTER_FRAME_CLOSE, &frame, sizeof(frame));
}

static const struct coh_site *
site_of(struct test_members *members)
{
    return TAILQ_FIRST(&members->primary->cluster.sites);
}

static bool
takes_part(struct test_members *members, unsigned place)
{
    return atomic_load(
               &site_of(members)->turns->area->places[place].takes_part) != 0;
}

static unsigned
outsider_count(struct test_members *members)
{
    return atomic_load(&site_of(members)->turns->area->outsider_count);
}

/* --- tests ---------------------------------------------------------------- */

static void
test_each_has_a_place_of_its_own(void **state)
{
    struct test_members *members = *state;
    struct test_member peers[3];

    for (unsigned i = 0; i < 3; i++) {
        peers[i] = come_new(members);
        assert_int_equal(place_of(&peers[i]), i);
        assert_true(takes_part(members, i));
    }
    assert_int_equal(outsider_count(members), 0);
    for (unsigned i = 0; i < 3; i++) {
        test_member_die(&peers[i]);
    }
    assert_null(site_of(members));
}

static void
test_the_place_of_a_dead_one_is_given_anew(void **state)
{
    struct test_members *members = *state;
    struct test_member first = come_new(members);
    struct test_member second = come_new(members);
    struct test_member third = come_new(members);

    assert_int_equal(place_of(&first), 0);
    assert_int_equal(place_of(&second), 1);
    test_member_die(&first);
    assert_false(takes_part(members, 0));
    assert_int_equal(place_of(&third), 0);
    assert_true(takes_part(members, 0));
    test_member_die(&second);
    test_member_die(&third);
}

/* One that was told to leave accepts until it knows. */
static void
test_the_place_of_a_leaving_one_is_its_own(void **state)
{
    struct test_members *members = *state;
    struct test_member first = come_new(members);
    struct test_member second = come_new(members);
    struct test_member third = come_new(members);

    assert_int_equal(place_of(&first), 0);
    assert_int_equal(place_of(&second), 1);
    coh_member_disconnect(first.worker, 0);
    assert_false(takes_part(members, 0));
    assert_int_equal(place_of(&third), 2);
    test_member_die(&first);
    test_member_die(&second);
    test_member_die(&third);
}

static void
test_one_that_comes_back_has_the_same_place(void **state)
{
    struct test_members *members = *state;
    struct test_member first = come_new(members);
    struct test_member second = come_new(members);
    struct test_answer told = listen_at(&first, COHORT_POLICY_SHARED);

    assert_int_equal(told.frame.turn, 0);
    assert_int_equal(place_of(&second), 1);
    leave(&first, told.frame.number);
    assert_false(takes_part(members, 0));
    assert_int_equal(place_of(&first), 0);
    assert_true(takes_part(members, 0));
    test_member_die(&first);
    test_member_die(&second);
}

static void
test_one_that_hangs_is_not_waited_for(void **state)
{
    struct test_members *members = *state;
    struct test_member member = come_new(members);

    assert_int_equal(place_of(&member), 0);
    coh_member_isolate(member.worker);
    assert_false(takes_part(members, 0));
    coh_member_rejoin(member.worker);
    assert_true(takes_part(members, 0));
    test_member_die(&member);
}

/* And its answer is as it always was. */
static void
test_an_older_build_has_none(void **state)
{
    struct test_members *members = *state;
    struct test_member old = test_member_come(members, 0);
    struct test_member young = come_new(members);
    struct test_answer told = listen_at(&old, COHORT_POLICY_SHARED);

    assert_int_equal(told.fd_count, 1);
    assert_int_equal(told.frame.turn_count, 0);
    assert_null(site_of(members)->turns->area);
    assert_int_equal(place_of(&young), 0);
    assert_int_equal(outsider_count(members), 1);
    test_member_die(&old);
    assert_int_equal(outsider_count(members), 0);
    test_member_die(&young);
}

/* Port 0 and its number: two sites, one socket. */
static void
test_the_sites_of_one_socket_see_each_other(void **state)
{
    struct test_members *members = *state;
    struct test_member first = come_new(members);
    struct test_member second = come_new(members);
    struct test_member old = test_member_come(members, 0);
    struct test_answer zero = take_place(&first, "127.0.0.1:0");
    struct test_answer number;
    char text[COH_ADDR_TEXT_MAX];

    number_of(&zero, text);
    number = take_place(&second, text);
    assert_int_not_equal(number.frame.number, zero.frame.number);
    assert_int_equal(zero.frame.turn, 0);
    assert_int_equal(number.frame.turn, 1);
    assert_true(takes_part(members, 1));
    ask_for(&old, text, COHORT_POLICY_SHARED);
    assert_int_equal(outsider_count(members), 1);
    test_member_die(&old);
    assert_int_equal(outsider_count(members), 0);
    test_member_die(&first);
    assert_false(takes_part(members, 0));
    assert_true(takes_part(members, 1));
    test_member_die(&second);
    assert_null(site_of(members));
}

static void
test_one_at_both_sites_has_two_places(void **state)
{
    struct test_members *members = *state;
    struct test_member member = come_new(members);
    struct test_answer zero = take_place(&member, "127.0.0.1:0");
    struct test_answer number;
    char text[COH_ADDR_TEXT_MAX];

    number_of(&zero, text);
    number = take_place(&member, text);
    assert_int_equal(zero.frame.turn, 0);
    assert_int_equal(number.frame.turn, 1);
    leave(&member, number.frame.number);
    assert_true(takes_part(members, 0));
    assert_false(takes_part(members, 1));
    assert_int_equal(take_place(&member, text).frame.turn, 1);
    test_member_die(&member);
    assert_null(site_of(members));
}

static void
test_other_policies_have_none(void **state)
{
    static const enum cohort_policy policies[] = {
        COHORT_POLICY_ROUND_ROBIN,
        COHORT_POLICY_LEAST_CONN,
        COHORT_POLICY_REUSEPORT,
    };
    struct test_members *members = *state;

    for (unsigned i = 0; i < 3; i++) {
        struct test_member member = come_new(members);
        struct test_answer told = listen_at(&member, policies[i]);

        assert_true(told.fd_count < 2);
        assert_int_equal(told.frame.turn_count, 0);
        assert_null(site_of(members)->turns);
        test_member_die(&member);
    }
}

#define TURNS_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(                                           \
        test, test_members_setup, test_members_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURNS_TEST(test_each_has_a_place_of_its_own),
        TURNS_TEST(test_the_place_of_a_dead_one_is_given_anew),
        TURNS_TEST(test_the_place_of_a_leaving_one_is_its_own),
        TURNS_TEST(test_one_that_comes_back_has_the_same_place),
        TURNS_TEST(test_one_that_hangs_is_not_waited_for),
        TURNS_TEST(test_an_older_build_has_none),
        TURNS_TEST(test_the_sites_of_one_socket_see_each_other),
        TURNS_TEST(test_one_at_both_sites_has_two_places),
        TURNS_TEST(test_other_policies_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
