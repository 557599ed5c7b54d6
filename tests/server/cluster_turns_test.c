/* Who has which place among the members that accept from one socket, and which
   members are told; the test stands in the place of their processes. */
#include "server/cluster/site_turns.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"
#include "server/channel/frame.h"
#include "server/cluster/frames.h"
#include "server/cluster/member.h"
#include "server/cluster/primary.h"
#include "tests/core/test.h"

#define ANSWER_MS 5000

struct fixture {
    struct cohort_primary *primary;
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->primary = cohort_primary_new(NULL);
    assert_non_null(fixture->primary);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    cohort_primary_free(fixture->primary);
    free(fixture);
    return 0;
}

/* --- members -------------------------------------------------------------- */

struct peer {
    struct fixture *fixture;
    struct cohort_worker *member;
    int channel; /* its end */
};

/* What an answer brings. */
struct told {
    struct coh_cluster_answer answer;
    size_t fd_count;
};

static void
run(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(fixture->primary->loop.base, EVLOOP_NONBLOCK);
    }
}

static void
say(struct peer *peer, uint16_t type, const void *data, size_t size)
{
    struct coh_frame_header header = {
        .size = (uint32_t)size,
        .type = type,
        .version = COH_FRAME_VERSION,
    };
    unsigned char packet[4096] = {0};
    struct iovec part = {.iov_base = packet, .iov_len = coh_frame_span(size)};

    memcpy(packet, &header, sizeof(header));
    memcpy(packet + sizeof(header), data, size);
    assert_int_equal(
        coh_fds_send(peer->channel, &part, 1, NULL, 0), part.iov_len);
    run(peer->fixture);
}

/* The next frame; true: of this type. */
static bool
hear(struct peer *peer, uint16_t type, struct told *told)
{
    struct pollfd readable = {.fd = peer->channel, .events = POLLIN};
    struct coh_frame_header header;
    unsigned char packet[4096];
    int fds[COH_FDPASS_MAX];

    told->fd_count = COH_FDPASS_MAX;
    assert_int_equal(poll(&readable, 1, ANSWER_MS), 1);
    assert_true(
        coh_fds_receive(
            peer->channel, packet, sizeof(packet), fds, &told->fd_count) > 0);
    for (size_t i = 0; i < told->fd_count; i++) {
        close(fds[i]);
    }
    memcpy(&header, packet, sizeof(header));
    memcpy(&told->answer, packet + sizeof(header), sizeof(told->answer));
    return header.type == type;
}

/* As a fork makes it, but that there is no process. */
static struct cohort_worker *
make_member(struct coh_cluster *cluster)
{
    struct cohort_worker *member = calloc(1, sizeof(*member));

    assert_non_null(member);
    member->cluster = cluster;
    member->id = ++*cluster->last_id;
    member->report = -1;
    member->serialization = COHORT_SERIALIZATION_JSON;
    member->codec = &coh_codec_native;
    TAILQ_INIT(&member->seats);
    coh_child_init(&member->child, coh_member_on_exit);
    coh_outbox_init(&member->outbox, cluster->loop);
    event_assign(
        &member->later, cluster->loop->base, -1, 0, coh_member_on_later,
        member);
    TAILQ_INSERT_TAIL(&cluster->members, member, link);
    cluster->member_count++;
    return member;
}

static struct peer
come(struct fixture *fixture, uint32_t abilities)
{
    const struct coh_cluster_hello hello = {
        .protocol = COH_CLUSTER_PROTOCOL,
        .abilities = abilities,
    };
    struct peer peer = {.fixture = fixture};
    struct told told;
    int pair[2];

    peer.member = make_member(&fixture->primary->cluster);
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, pair), 0);
    assert_int_equal(coh_codec_native.open(peer.member, pair[0], -1), 0);
    peer.channel = pair[1];
    assert_true(hear(&peer, COH_CLUSTER_FRAME_START, &told));
    say(&peer, COH_CLUSTER_FRAME_HELLO, &hello, sizeof(hello));
    return peer;
}

static struct peer
come_new(struct fixture *fixture)
{
    return come(fixture, COH_CLUSTER_TAKES_TURNS);
}

static struct told
ask_for(struct peer *peer, const char *address, enum cohort_policy policy)
{
    const struct cohort_listen_settings settings = {
        .socket = {.policy = policy}};
    struct coh_cluster_query frame = {.request = 1};
    struct told told;
    const char *why;

    assert_int_equal(
        coh_query_parse(address, &settings, &frame.query, &why), 0);
    say(peer, COH_CLUSTER_FRAME_QUERY, &frame, sizeof(frame));
    assert_true(hear(peer, COH_CLUSTER_FRAME_ANSWER, &told));
    assert_int_equal(told.answer.result, 0);
    return told;
}

static struct told
listen_at(struct peer *peer, enum cohort_policy policy)
{
    return ask_for(peer, "127.0.0.1:0", policy);
}

static struct told
take_place(struct peer *peer, const char *address)
{
    struct told told = ask_for(peer, address, COHORT_POLICY_SHARED);

    assert_int_equal(told.fd_count, 2);
    assert_int_equal(told.answer.turn_count, COH_SITE_TURNS_MAX);
    return told;
}

static unsigned
place_of(struct peer *peer)
{
    return take_place(peer, "127.0.0.1:0").answer.turn;
}

/* Where those that asked for port 0 have been told to listen. */
static void
number_of(const struct told *told, char text[COH_ADDR_TEXT_MAX])
{
    coh_addr_format(&told->answer.bound, text);
}

static void
leave(struct peer *peer, uint32_t site)
{
    const struct coh_cluster_site frame = {.number = site};

    say(peer, COH_CLUSTER_FRAME_CLOSE, &frame, sizeof(frame));
}

static void
die(struct peer *peer)
{
    const struct coh_exit how = {.number = 0};

    close(peer->channel);
    run(peer->fixture);
    coh_member_on_exit(&peer->member->child, how);
    run(peer->fixture);
}

static const struct coh_site *
site_of(struct fixture *fixture)
{
    return TAILQ_FIRST(&fixture->primary->cluster.sites);
}

static bool
takes_part(struct fixture *fixture, unsigned place)
{
    return atomic_load(
               &site_of(fixture)->turns->area->places[place].takes_part) != 0;
}

static unsigned
outsider_count(struct fixture *fixture)
{
    return atomic_load(&site_of(fixture)->turns->area->outsider_count);
}

/* --- tests ---------------------------------------------------------------- */

static void
test_each_has_a_place_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct peer peers[3];

    for (unsigned i = 0; i < 3; i++) {
        peers[i] = come_new(fixture);
        assert_int_equal(place_of(&peers[i]), i);
        assert_true(takes_part(fixture, i));
    }
    assert_int_equal(outsider_count(fixture), 0);
    for (unsigned i = 0; i < 3; i++) {
        die(&peers[i]);
    }
    assert_null(site_of(fixture));
}

static void
test_the_place_of_a_dead_one_is_given_anew(void **state)
{
    struct fixture *fixture = *state;
    struct peer first = come_new(fixture);
    struct peer second = come_new(fixture);
    struct peer third = come_new(fixture);

    assert_int_equal(place_of(&first), 0);
    assert_int_equal(place_of(&second), 1);
    die(&first);
    assert_false(takes_part(fixture, 0));
    assert_int_equal(place_of(&third), 0);
    assert_true(takes_part(fixture, 0));
    die(&second);
    die(&third);
}

/* One that was told to leave accepts until it knows. */
static void
test_the_place_of_a_leaving_one_is_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct peer first = come_new(fixture);
    struct peer second = come_new(fixture);
    struct peer third = come_new(fixture);

    assert_int_equal(place_of(&first), 0);
    assert_int_equal(place_of(&second), 1);
    coh_member_disconnect(first.member, 0);
    assert_false(takes_part(fixture, 0));
    assert_int_equal(place_of(&third), 2);
    die(&first);
    die(&second);
    die(&third);
}

static void
test_one_that_comes_back_has_the_same_place(void **state)
{
    struct fixture *fixture = *state;
    struct peer first = come_new(fixture);
    struct peer second = come_new(fixture);
    struct told told = listen_at(&first, COHORT_POLICY_SHARED);

    assert_int_equal(told.answer.turn, 0);
    assert_int_equal(place_of(&second), 1);
    leave(&first, told.answer.number);
    assert_false(takes_part(fixture, 0));
    assert_int_equal(place_of(&first), 0);
    assert_true(takes_part(fixture, 0));
    die(&first);
    die(&second);
}

static void
test_one_that_hangs_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer = come_new(fixture);

    assert_int_equal(place_of(&peer), 0);
    coh_member_isolate(peer.member);
    assert_false(takes_part(fixture, 0));
    coh_member_rejoin(peer.member);
    assert_true(takes_part(fixture, 0));
    die(&peer);
}

/* And its answer is as it always was. */
static void
test_an_older_build_has_none(void **state)
{
    struct fixture *fixture = *state;
    struct peer old = come(fixture, 0);
    struct peer young = come_new(fixture);
    struct told told = listen_at(&old, COHORT_POLICY_SHARED);

    assert_int_equal(told.fd_count, 1);
    assert_int_equal(told.answer.turn_count, 0);
    assert_null(site_of(fixture)->turns->area);
    assert_int_equal(place_of(&young), 0);
    assert_int_equal(outsider_count(fixture), 1);
    die(&old);
    assert_int_equal(outsider_count(fixture), 0);
    die(&young);
}

/* Port 0 and its number: two sites, one socket. */
static void
test_the_sites_of_one_socket_see_each_other(void **state)
{
    struct fixture *fixture = *state;
    struct peer first = come_new(fixture);
    struct peer second = come_new(fixture);
    struct peer old = come(fixture, 0);
    struct told zero = take_place(&first, "127.0.0.1:0");
    struct told number;
    char text[COH_ADDR_TEXT_MAX];

    number_of(&zero, text);
    number = take_place(&second, text);
    assert_int_not_equal(number.answer.number, zero.answer.number);
    assert_int_equal(zero.answer.turn, 0);
    assert_int_equal(number.answer.turn, 1);
    assert_true(takes_part(fixture, 1));
    ask_for(&old, text, COHORT_POLICY_SHARED);
    assert_int_equal(outsider_count(fixture), 1);
    die(&old);
    assert_int_equal(outsider_count(fixture), 0);
    die(&first);
    assert_false(takes_part(fixture, 0));
    assert_true(takes_part(fixture, 1));
    die(&second);
    assert_null(site_of(fixture));
}

static void
test_one_at_both_sites_has_two_places(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer = come_new(fixture);
    struct told zero = take_place(&peer, "127.0.0.1:0");
    struct told number;
    char text[COH_ADDR_TEXT_MAX];

    number_of(&zero, text);
    number = take_place(&peer, text);
    assert_int_equal(zero.answer.turn, 0);
    assert_int_equal(number.answer.turn, 1);
    leave(&peer, number.answer.number);
    assert_true(takes_part(fixture, 0));
    assert_false(takes_part(fixture, 1));
    assert_int_equal(take_place(&peer, text).answer.turn, 1);
    die(&peer);
    assert_null(site_of(fixture));
}

static void
test_other_policies_have_none(void **state)
{
    static const enum cohort_policy policies[] = {
        COHORT_POLICY_ROUND_ROBIN,
        COHORT_POLICY_LEAST_CONN,
        COHORT_POLICY_REUSEPORT,
    };
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 3; i++) {
        struct peer peer = come_new(fixture);
        struct told told = listen_at(&peer, policies[i]);

        assert_true(told.fd_count < 2);
        assert_int_equal(told.answer.turn_count, 0);
        assert_null(site_of(fixture)->turns);
        die(&peer);
    }
}

#define TURNS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
