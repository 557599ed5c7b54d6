/* Lines on their way out of a Node channel: bounded, in order, held back while
   a descriptor has not been acknowledged. */
#ifndef COH_SERVER_CHANNEL_NODE_QUEUE_H
#define COH_SERVER_CHANNEL_NODE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/str.h>

#define COH_NODE_QUEUE_BYTES_MAX (4 * 1024 * 1024)
#define COH_NODE_QUEUE_FDS_MAX 1024 /* those not yet acknowledged included */

/*
 * A queued line is in one of these places:
 *
 *   replies   acknowledgements: they overtake everything but a half-sent line
 *   messages  the others, in order
 *   awaiting  sent with a descriptor; ACK ends it, NACK ends it or puts it back
 *             at the head of messages, to be sent again
 *
 * While a line awaits its acknowledgement, messages are held back; not behind
 * those that are pipelined, which count on the peer to keep up.
 */
struct coh_node_queued;

TAILQ_HEAD(coh_node_queued_list, coh_node_queued);

struct coh_node_queue {
    struct coh_node_queued_list replies;
    struct coh_node_queued_list messages;
    struct coh_node_queued_list awaiting;
    struct coh_node_queued *current; /* sent in part; the first of its list */
    size_t byte_count;               /* of replies and messages */
    uint64_t sent_bytes;             /* ever, those of half-sent lines, too */
    size_t fd_count;                 /* of lines with descriptors, anywhere */
    size_t hold_count;               /* of awaiting, those that hold back */
};

/* How a line with a descriptor is sent. */
struct coh_node_passing {
    int fd;            /* duplicated; -1: none, and the rest has no meaning */
    bool is_pipelined; /* later messages need not wait for its ACK */
    unsigned retries;  /* how often it is sent again after a NACK */
    uint64_t token;    /* told when it has been acknowledged */
};

void coh_node_queue_init(struct coh_node_queue *queue);
void coh_node_queue_fini(struct coh_node_queue *queue);

/*
 * Append a line made of prefix, text and suffix; the newline is added here, and
 * those in text (which JSON allows between values) become blanks.
 *
 * Returns  0; -EMSGSIZE beyond COH_NODE_LINE_MAX; -ENOBUFS; -EMFILE; -ENOMEM.
 */
int coh_node_queue_push(
    struct coh_node_queue *queue, struct cohort_str prefix,
    struct cohort_str text, struct cohort_str suffix,
    const struct coh_node_passing *passing);

/* Append an acknowledgement: 0, -ENOBUFS or -ENOMEM. */
int coh_node_queue_push_reply(
    struct coh_node_queue *queue, struct cohort_str line);

/* Send what may be sent: 0 when there is nothing more of it, -EAGAIN, -EPIPE or
   another -errno. */
int coh_node_queue_send(struct coh_node_queue *queue, int socket);

/*
 * The peer has acknowledged a descriptor: the oldest that awaits it.
 *
 * was_taken  ACK; else NACK.
 * token      Set to that of the line when it is done.
 * Returns    1 when it is done; 0 when it will be sent again; -EPROTO when none
 *            awaits anything.
 */
int coh_node_queue_acknowledge(
    struct coh_node_queue *queue, bool was_taken, uint64_t *token);

/* Nothing to send, and nothing that awaits an acknowledgement. */
bool coh_node_queue_is_idle(const struct coh_node_queue *queue);

#endif
