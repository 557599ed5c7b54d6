/* How a primary talks to a member: by our frames, or as Node does. */
#ifndef COH_CLUSTER_CODEC_H
#define COH_CLUSTER_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/cluster.h>
#include <cohort/str.h>

struct coh_pulse;
struct coh_seat;

/* The answer to a query. */
struct coh_codec_answer {
    uint64_t request;      /* what coh_member_query was given */
    int result;            /* 0 or -errno */
    const char *why;       /* "" if nothing is to say */
    struct coh_seat *seat; /* when result is 0 */
};

/*
 * What a codec does for the member whose line it is. It calls coh_member_...
 * (member.h) when something comes, from the loop.
 */
struct coh_codec {
    int socket_type; /* 0: there is no channel */

    /* Take over our end, and say what a member must know first. 0 or -errno; fd
       is closed on failure. */
    int (*open)(struct cohort_worker *member, int fd, int inspect_port);

    /* The process has been made; NULL: nothing to do. */
    void (*started)(struct cohort_worker *member);

    /* Close at once and free; coh_member_lost is not called. */
    void (*close)(struct cohort_worker *member);

    /* We hang up: write what can be written, and let member->outbox know. True:
       close it now; false: some of it has to wait for the member, and
       coh_member_lost follows. */
    bool (*flush)(struct cohort_worker *member);

    /* In a forked child: close its descriptors, nothing else. NULL: it has
       none. */
    void (*forget)(struct cohort_worker *member);

    /* As cohort_worker_send. fd stays the caller's; -1: none. mark: what
       member->outbox has reached when it is written. */
    int (*send)(
        struct cohort_worker *member, struct cohort_str message, int fd,
        uint64_t *mark);

    /* Ask it to leave. 0 or -errno. */
    int (*leave)(struct cohort_worker *member);

    int (*answer)(
        struct cohort_worker *member, const struct coh_codec_answer *answer);

    /* A member of a cluster that is held: does it accept nothing by itself?
       And: it may. NULL: it cannot be kept from it. */
    bool (*is_held)(const struct cohort_worker *member);
    void (*release)(struct cohort_worker *member);

    /* Does it know the memory in which members that accept from one socket see
       each other (site_turns.h)? NULL: none does. */
    bool (*takes_turns)(const struct cohort_worker *member);

    /* Make seat->peer ready to be offered connections. 0 or -errno. */
    int (*take_seat)(struct coh_seat *seat);
    void (*give_seat)(struct coh_seat *seat);

    /* How many connections it has accepted by itself where it sits; NULL: that
       is not known. */
    uint64_t (*accepted_count)(const struct cohort_worker *member);

    /* Something is under way whose answer has to be awaited: the seat stays
       until coh_site_leave is called again. NULL: never. */
    bool (*is_seat_busy)(const struct coh_seat *seat);

    /* Where the turns of its loop are told; NULL: nowhere. */
    const struct coh_pulse *(*pulse)(const struct cohort_worker *member);
};

extern const struct coh_codec coh_codec_native;
extern const struct coh_codec coh_codec_node;
extern const struct coh_codec coh_codec_listen_fds;

/* Of a protocol that there is. */
const struct coh_codec *coh_codec_of(enum cohort_protocol protocol);

#endif
