/* Who asks the primary for something and is told what became of it: the admin
   helper, for those on its socket; the program that runs it (caller.h). */
#ifndef COH_PRIMARY_ASKER_H
#define COH_PRIMARY_ASKER_H

#include "server/admin/frames.h"

struct coh_primary;

struct coh_asker {
    struct coh_primary *primary;
    unsigned pending_count; /* of its questions (pending.h) */

    /*
     * A question of its has its outcome.
     *
     * text   NULL for none; valid during the call.
     * Order  Perhaps in the middle of what happens to the primary, to which it
     *        must do nothing.
     */
    void (*on_outcome)(
        struct coh_asker *asker, const struct coh_frame_ask *ask,
        const struct coh_frame_outcome *outcome, const char *text);
};

#endif
