/* A member of a cluster, from inside. */
#ifndef COH_CLUSTER_SELF_H
#define COH_CLUSTER_SELF_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cluster.h>
#include <cohort/str.h>

#include "server/channel/channel.h"
#include "server/channel/node_cluster.h"
#include "server/cluster/asked.h"
#include "server/cluster/frames.h"
#include "server/cluster/node_counted.h"
#include "server/cluster/node_message.h"
#include "server/cluster/outbox.h"
#include "server/process/self.h"

struct coh_cluster_self;
struct coh_inspect;

TAILQ_HEAD(coh_listening_list, cohort_listening);

/* How a member talks to its primary: by our frames, or as Node does. */
struct coh_self_codec {
    /* Take over the channel and say that we are here. 0 or -errno. */
    int (*open)(struct coh_cluster_self *self, int fd);
    void (*close)(struct coh_cluster_self *self);

    /* We hang up: write what can be written, and let self->outbox know. True:
       close it now; false: some of it has to wait for the primary, and
       coh_self_parted or coh_self_lost follows. */
    bool (*flush)(struct coh_cluster_self *self);

    /* As struct coh_codec has it. */
    int (*send)(
        struct coh_cluster_self *self, struct cohort_str message, int fd,
        uint64_t *mark);

    /* Ask to listen; coh_listening_answered comes. */
    int (*query)(struct cohort_listening *listening);
    /* We listen; we don't any more. */
    void (*listening)(struct cohort_listening *listening);
    void (*closed)(struct cohort_listening *listening);

    /* Ask for a secret; coh_asked_answer comes. 0 or -errno; NULL: there are
       none. */
    int (*ask_secret)(
        struct coh_cluster_self *self, uint32_t index, struct cohort_str name,
        uint32_t size, uint64_t rotate_s);

    /* We shall hang up of our own will; coh_self_allowed comes. 0 or -errno. */
    int (*announce)(struct coh_cluster_self *self, bool is_kill);
};

extern const struct coh_self_codec coh_self_native;
extern const struct coh_self_codec coh_self_node;

/*
 * How it leaves:
 *
 *   STAYING -> CLOSING     coh_self_leave (the primary wants it),
 *                          cohort_self_disconnect
 *   CLOSING -> ANNOUNCED   its own wish, and nothing is open any more
 *   STAYING -> ANNOUNCED   cohort_self_kill
 *   CLOSING -> PARTING     the primary's wish, and nothing is open any more
 *   ANNOUNCED -> PARTING   coh_self_allowed
 *   any -> PARTING         cohort_self_hang_up
 *   PARTING -> HUNG_UP     at once, or coh_self_parted: what was sent before is
 *                          written; or that takes too long
 *   any -> HUNG_UP         coh_self_lost
 */
enum coh_self_state {
    COH_SELF_STAYING,
    COH_SELF_CLOSING,
    COH_SELF_ANNOUNCED,
    COH_SELF_PARTING,
    COH_SELF_HUNG_UP,
};

struct coh_cluster_self {
    struct cohort_self self; /* first: what programs hold */
    enum coh_self_state state;
    bool is_voluntary; /* somebody asked it to leave */
    bool is_own_wish;  /* it was the member itself */
    bool is_kill;      /* by cohort_self_kill */
    bool is_told;      /* of its disconnection */
    bool is_running;   /* cohort_self_run */
    enum cohort_serialization serialization;
    const struct cohort_self_events *events;
    void *user;

    const struct coh_self_codec *codec;
    struct coh_channel native;
    uint32_t abilities;              /* of the primary */
    bool is_held;                    /* it will say when we may accept */
    struct coh_cluster_words *words; /* NULL: Node's */
    struct coh_node_cluster node;
    struct coh_node_sending sending; /* on node */
    struct coh_node_counted counted; /* the same */
    struct coh_outbox outbox;
    uint32_t watchdog_ms; /* the primary's; 0: it does not look */

    struct coh_asked asked; /* secrets */
    struct coh_listening_list listenings;
    unsigned listening_count;
    uint32_t last_request;
    struct event turn;     /* what is to be told later than a call */
    struct event farewell; /* so long the primary has to read the rest */
    struct coh_inspect *inspect;
    struct coh_served *served; /* the service it runs; NULL: none */
};

static inline struct coh_cluster_self *
coh_cluster_self_of(struct cohort_self *self)
{
    return (struct coh_cluster_self *)self;
}

/* Look soon whether there is something to tell, or to leave for. */
void coh_self_turn(struct coh_cluster_self *self);

/* --- what codecs tell, from the loop -------------------------------------- */

void coh_self_message(
    struct coh_cluster_self *self, struct cohort_str text, int *fd);

/* The primary wants it to leave. */
void coh_self_leave(struct coh_cluster_self *self);

/* Its own wish is known. */
void coh_self_allowed(struct coh_cluster_self *self);

/* What the primary must know was said with this result. If it could not be, the
   channel is closed: the end of that it sees in any case. */
void coh_self_must_be_heard(struct coh_cluster_self *self, int result);

/* All that was sent before we hung up has been written. */
void coh_self_parted(struct coh_cluster_self *self);

/* The channel has ended. Does not return if it was nobody's wish. */
void coh_self_lost(struct coh_cluster_self *self);

#endif
