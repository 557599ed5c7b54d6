/* The other end of a Node channel, by hand, and a log that is kept. */
#ifndef COH_TESTS_SERVER_NODE_PEER_H
#define COH_TESTS_SERVER_NODE_PEER_H

#include <stddef.h>

#include "core/event.h"
#include "core/log.h"

struct node_peer {
    struct coh_loop loop;
    struct cohort_log log;
    struct coh_log_target target;
    int ours; /* for the channel under test, which takes it over */
    int theirs;
    size_t opened; /* descriptors of this process before the test */
};

/* A loop, a log and a socket pair. */
void node_peer_init(struct node_peer *peer);

/* Closes theirs; fails if a descriptor has leaked. */
void node_peer_fini(struct node_peer *peer);

/* Let the loop run until nothing happens any more. */
void node_peer_run(struct node_peer *peer);

/* What has been logged, as one text; the caller's to free. */
char *node_peer_logged(struct node_peer *peer);

/* Write text, with fd if it is not negative. */
void node_peer_write(struct node_peer *peer, const char *text, int fd);

/* What can be read now must be exactly this. Descriptors that come are closed
   and counted. */
size_t node_peer_expect(struct node_peer *peer, const char *text);

/* True when the channel has been closed. */
bool node_peer_is_closed(struct node_peer *peer);

#endif
