/* Members of a primary in the test's process; the test stands in the place of
   their processes, frame by frame. */
#include "tests/server/members.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"
#include "server/channel/frame.h"
#include "tests/core/test.h"

#define ANSWER_MS 5000

int
test_members_setup(void **state)
{
    struct test_members *members = calloc(1, sizeof(*members));

    members->primary = cohort_primary_new(NULL);
    assert_non_null(members->primary);
    *state = members;
    return 0;
}

int
test_members_teardown(void **state)
{
    struct test_members *members = *state;

    cohort_primary_free(members->primary);
    free(members);
    return 0;
}

void
test_members_turn(struct test_members *members)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(members->primary->loop.base, EVLOOP_NONBLOCK);
    }
}

void
test_member_say(
    struct test_member *member, uint16_t type, const void *data, size_t size)
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
        coh_fds_send(member->channel, &part, 1, NULL, 0), part.iov_len);
    test_members_turn(member->members);
}

bool
test_member_hear(
    struct test_member *member, uint16_t type, struct test_answer *answer)
{
    struct pollfd readable = {.fd = member->channel, .events = POLLIN};
    struct coh_frame_header header;
    unsigned char packet[4096];
    int fds[COH_FDPASS_MAX];

    answer->fd_count = COH_FDPASS_MAX;
    assert_int_equal(poll(&readable, 1, ANSWER_MS), 1);
    assert_true(
        coh_fds_receive(
            member->channel, packet, sizeof(packet), fds, &answer->fd_count) >
        0);
    for (size_t i = 0; i < answer->fd_count; i++) {
        close(fds[i]);
    }
    memcpy(&header, packet, sizeof(header));
    memcpy(&answer->frame, packet + sizeof(header), sizeof(answer->frame));
    return header.type == type;
}

/* As a fork makes it, but that there is no process. */
static struct cohort_worker *
make_worker(struct coh_cluster *cluster)
{
    struct cohort_worker *worker = calloc(1, sizeof(*worker));

    assert_non_null(worker);
    worker->cluster = cluster;
    worker->id = ++*cluster->last_id;
    worker->report = -1;
    worker->serialization = COHORT_SERIALIZATION_JSON;
    worker->codec = &coh_codec_native;
    TAILQ_INIT(&worker->seats);
    coh_child_init(&worker->child, coh_member_on_exit);
    coh_outbox_init(&worker->outbox, cluster->loop);
    event_assign(
        &worker->later, cluster->loop->base, -1, 0, coh_member_on_later,
        worker);
    TAILQ_INSERT_TAIL(&cluster->members, worker, link);
    cluster->member_count++;
    return worker;
}

struct test_member
test_member_come(struct test_members *members, uint32_t abilities)
{
    const struct coh_cluster_hello hello = {
        .protocol = COH_CLUSTER_PROTOCOL,
        .abilities = abilities,
    };
    struct test_member member = {.members = members};
    struct test_answer ignored;
    int pair[2];

    member.worker = make_worker(&members->primary->cluster);
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, pair), 0);
    assert_int_equal(coh_codec_native.open(member.worker, pair[0], -1), 0);
    member.channel = pair[1];
    assert_true(test_member_hear(&member, COH_CLUSTER_FRAME_START, &ignored));
    test_member_say(&member, COH_CLUSTER_FRAME_HELLO, &hello, sizeof(hello));
    return member;
}

struct test_answer
test_member_query(struct test_member *member, const struct coh_query *query)
{
    struct coh_cluster_query frame = {.request = 1, .query = *query};
    struct test_answer answer;

    test_member_say(member, COH_CLUSTER_FRAME_QUERY, &frame, sizeof(frame));
    assert_true(test_member_hear(member, COH_CLUSTER_FRAME_ANSWER, &answer));
    return answer;
}

void
test_member_die(struct test_member *member)
{
    const struct coh_exit how = {.number = 0};

    close(member->channel);
    test_members_turn(member->members);
    coh_member_on_exit(&member->worker->child, how);
    test_members_turn(member->members);
}
