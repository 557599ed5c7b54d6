/* Who is to be called when a message of theirs has been written. */
#ifndef COH_CLUSTER_OUTBOX_H
#define COH_CLUSTER_OUTBOX_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

struct coh_loop;
struct coh_outgoing;

struct coh_outbox {
    STAILQ_HEAD(, coh_outgoing) list; /* by mark */
    uint64_t reached; /* what the queue has sent, in its own measure */
    int error;        /* the channel has ended: nothing more is sent */
    struct event turn;
};

void coh_outbox_init(struct coh_outbox *outbox, struct coh_loop *loop);

/* Nobody is called any more. Not from one of its callbacks. */
void coh_outbox_fini(struct coh_outbox *outbox);

/* Call on_sent, later, when mark has been reached: 0 or -ENOMEM. */
int coh_outbox_add(
    struct coh_outbox *outbox, uint64_t mark,
    void (*on_sent)(int result, void *user), void *user);

/* The queue has sent so much; who waited for it is called soon. */
void coh_outbox_reach(struct coh_outbox *outbox, uint64_t mark);

/* The channel has ended: all are told -EPIPE, soon. */
void coh_outbox_end(struct coh_outbox *outbox);

/* Call now, from the loop, who would be called soon: there is no later turn. */
void coh_outbox_call(struct coh_outbox *outbox);

#endif
