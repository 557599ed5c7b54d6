/* The primary's end of a native member's line: what the codec has, and its
   role on the channel. */
#ifndef COH_CLUSTER_NATIVE_H
#define COH_CLUSTER_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/channel/channel.h"
#include "server/cluster/frames.h"

struct coh_native {
    struct coh_channel channel;
    uint32_t abilities;              /* of the member */
    bool is_held;                    /* it was told so; RELEASE ends it */
    struct coh_cluster_words *words; /* shared with it */
    uint64_t used_seats;             /* bits */
    uint64_t epoch; /* of words: what is under way for a seat that was left
                       must not fit the next one */
};

/* What may come, and what it does to the member, which is the channel's
   user. */
extern const struct coh_channel_role coh_native_role;

#endif
