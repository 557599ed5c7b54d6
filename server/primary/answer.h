/* The admin helper's questions, answered. */
#ifndef COH_PRIMARY_ANSWER_H
#define COH_PRIMARY_ANSWER_H

#include "server/admin/frames.h"

struct coh_asker;
struct coh_channel_role;

/* What the helper may say. */
extern const struct coh_channel_role coh_asking_role;

/* The end of an answer; on_outcome of the helper's asker. */
void coh_answer_outcome(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    const struct coh_frame_outcome *outcome, const char *text);

#endif
