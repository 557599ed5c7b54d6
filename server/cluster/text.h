/* What a message may be. */
#ifndef COH_CLUSTER_TEXT_H
#define COH_CLUSTER_TEXT_H

#include <cohort/cluster.h>

/* 0; -EMSGSIZE; -EINVAL for what is no JSON where it must be. */
int coh_message_check(
    enum cohort_serialization serialization, struct cohort_str message);

#endif
