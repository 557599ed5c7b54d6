/* The inner state of a member, for whoever asks on its inspect port. */
#ifndef COH_CLUSTER_INSPECT_H
#define COH_CLUSTER_INSPECT_H

struct coh_cluster_self;

/* Answer "GET /" on 127.0.0.1 at this port. A port that cannot be had is
   logged, and costs nothing else. */
void coh_inspect_open(struct coh_cluster_self *self, int port);

void coh_inspect_close(struct coh_cluster_self *self);

#endif
