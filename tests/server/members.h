/* Members of a primary in the test's process; the test stands in the place of
   their processes, frame by frame. */
#ifndef COH_TESTS_SERVER_MEMBERS_H
#define COH_TESTS_SERVER_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/cluster/frames.h"
#include "server/cluster/member.h"
#include "server/cluster/primary.h"

struct test_members {
    struct cohort_primary *primary;
};

struct test_member {
    struct test_members *members;
    struct cohort_worker *worker; /* the primary's view of it */
    int channel;                  /* its end */
};

/* What an answer brings; its descriptors are closed. */
struct test_answer {
    struct coh_cluster_answer frame;
    size_t fd_count;
};

/* For cmocka. */
int test_members_setup(void **state);
int test_members_teardown(void **state);

/* Let the primary's loop see what has come. */
void test_members_turn(struct test_members *members);

/* One that is online. abilities: those of struct coh_cluster_hello. */
struct test_member test_member_come(
    struct test_members *members, uint32_t abilities);

/* It says a frame, and the primary turns. */
void test_member_say(
    struct test_member *member, uint16_t type, const void *data, size_t size);

/* The next frame that it is told. True: of this type; answer is filled in. */
bool test_member_hear(
    struct test_member *member, uint16_t type, struct test_answer *answer);

/* Ask to listen; the answer, whatever it is. */
struct test_answer test_member_query(
    struct test_member *member, const struct coh_query *query);

/* Its channel and its process end. */
void test_member_die(struct test_member *member);

#endif
