/* What a primary and its members say to each other in frames. Programs may be
   linked with other builds of this library: every structure here is part of the
   protocol, whose number is raised when one changes. */
#ifndef COH_CLUSTER_FRAMES_H
#define COH_CLUSTER_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "server/accept/handoff.h"
#include "server/cluster/query.h"
#include "server/process/pulse.h"

#define COH_CLUSTER_PROTOCOL 2

#define COH_SEATS_MAX 64 /* addresses of one member */

/* From so many queued bytes on, whoever sends is asked to wait. */
#define COH_CLUSTER_PRESSURE_SIZE (128 * 1024)

/* Of a queue, what messages leave free for all else that there is to say. */
#define COH_CLUSTER_SPARE_SIZE (64 * 1024)

/* Who hangs up waits so long for the other end to read what was sent before. */
#define COH_CLUSTER_FAREWELL_MS 5000

/* Beside those of server/channel/message.h, of which CONNECTIONS (its listener
   is a site's number) and CREDIT are used here, too. */
enum coh_cluster_frame {
    COH_CLUSTER_FRAME_FIRST = 64,

    /* to the member */
    COH_CLUSTER_FRAME_START = COH_CLUSTER_FRAME_FIRST, /* 1 fd: words */
    COH_CLUSTER_FRAME_ANSWER,  /* to QUERY; the reason as a text follows; with
                                  a socket where the member accepts, and the
                                  memory of its turns, if it has some */
    COH_CLUSTER_FRAME_LEAVE,   /* close what you listen on, finish, hang up */
    COH_CLUSTER_FRAME_ALLOWED, /* answer to LEAVING */

    /* to the primary */
    COH_CLUSTER_FRAME_HELLO,     /* first */
    COH_CLUSTER_FRAME_QUERY,     /* it wants to listen */
    COH_CLUSTER_FRAME_LISTENING, /* it does */
    COH_CLUSTER_FRAME_CLOSE,     /* it does no more */
    COH_CLUSTER_FRAME_LEAVING,   /* it will hang up of its own will */

    /* both ways: the message, a NUL behind it, its handle */
    COH_CLUSTER_FRAME_MESSAGE,

    /* to the primary: a secret is asked for, its name follows; to the member:
       the answer, with its memory if there is no error */
    COH_CLUSTER_FRAME_SECRET,

    /* to the member, if its START said that it is held and it can wait: it may
       accept by itself where it listens */
    COH_CLUSTER_FRAME_RELEASE,
};

/* What a primary can, and what a member can, that not all builds which speak
   this protocol can: bits. */
#define COH_CLUSTER_MAKES_SECRETS 1U
#define COH_CLUSTER_HOLDS 2U /* it does so: RELEASE will come */
#define COH_CLUSTER_TAKES_TURNS 1U
#define COH_CLUSTER_CAN_WAIT 2U /* for RELEASE */

struct coh_cluster_start {
    uint32_t protocol;
    uint32_t serialization; /* enum cohort_serialization */
    uint64_t id;
    int32_t inspect_port; /* -1: none */
    uint32_t watchdog_ms; /* how soon it has to come back to its event loop; 0:
                             nobody looks */
    uint32_t abilities;
    uint32_t reserved;
};

struct coh_cluster_hello {
    uint32_t protocol;
    uint32_t abilities;
};

struct coh_cluster_query {
    uint32_t request; /* the answer carries it */
    uint32_t reserved;
    struct coh_query query;
};

struct coh_cluster_answer {
    uint32_t request;
    int32_t result;      /* 0 or -errno */
    uint32_t number;     /* the site's */
    uint32_t seat;       /* whose words are the member's for it */
    uint32_t policy;     /* enum cohort_policy, resolved */
    uint16_t turn;       /* its place among those that accept there */
    uint16_t turn_count; /* places; 0: it has none */
    struct coh_addr bound;
};

/* LISTENING and CLOSE. */
struct coh_cluster_site {
    uint32_t number;
};

struct coh_cluster_secret_query {
    uint32_t index; /* the answer carries it */
    uint32_t size;
    uint64_t rotate_s;
};

struct coh_cluster_secret_answer {
    uint32_t index;
    int32_t result; /* 0 or -errno */
};

struct coh_cluster_leaving {
    uint32_t is_kill;
};

/* The memory that comes with START: one set of words per seat, and the member's
   signs of life. */
struct coh_cluster_words {
    struct coh_handoff_words seats[COH_SEATS_MAX];
    struct coh_pulse pulse;
};

_Static_assert(
    offsetof(struct coh_cluster_words, pulse) == 12288 &&
        offsetof(struct coh_pulse, doing) == 40 &&
        sizeof(struct coh_pulse) == 40 + COH_PULSE_DOING_MAX,
    "the number of the protocol goes with it");

#endif
