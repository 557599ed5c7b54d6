/* The admin helper's questions, answered. */
#ifndef COH_PRIMARY_ANSWER_H
#define COH_PRIMARY_ANSWER_H

#include <stdint.h>

#include "server/admin/frames.h"

struct coh_channel_role;
struct coh_helper;

/* What the helper may say. */
extern const struct coh_channel_role coh_asking_role;

/* The end of an answer; text: NULL for none. */
void coh_answer_outcome(
    struct coh_helper *helper, const struct coh_frame_outcome *outcome,
    const char *text);

#endif
