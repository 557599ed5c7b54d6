/* The admin helper, as the primary knows it: one unprivileged process for all
   generations, started anew when it dies.

   The primary opens its sockets and answers its frames; HTTP and JSON are the
   helper's. */
#ifndef COH_PRIMARY_HELPER_H
#define COH_PRIMARY_HELPER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "server/accept/listener.h"
#include "server/admin/frames.h"
#include "server/channel/channel.h"
#include "server/primary/asker.h"
#include "server/primary/child.h"
#include "server/primary/events.h"
#include "server/primary/helper_watch.h"
#include "server/primary/history.h"
#include "server/primary/respawn.h"

struct coh_generation;
struct coh_primary;

/* What became of the last reload. */
struct coh_last_reload {
    bool is_done;        /* or failed */
    uint64_t generation; /* that was loaded; of a failed one: that stayed */
    uint64_t begin_ms;   /* since 1970; 0: there was none */
    uint64_t took_ms;
    char text[COH_HISTORY_TEXT_MAX];
};

struct coh_helper {
    struct coh_primary *primary;
    uint64_t start_ms; /* of the primary, since 1970 */
    struct coh_event_reader reader;
    struct coh_history history;
    struct coh_last_reload reload;

    /* Where it listens. */
    struct coh_frame_admin settings;
    struct coh_listener *listeners[COH_ADMIN_ADDRESSES_MAX];

    /* Its process. */
    bool is_running;
    bool is_leaving; /* there is nothing left to listen on */
    bool is_ending;  /* not to be started again */
    uint64_t born_ms;
    struct coh_child child;
    struct coh_channel channel;
    struct coh_respawn respawn;
    uint64_t told;         /* events up to this one */
    struct event retry;    /* the back-off */
    struct event deadline; /* until it must have ended */
    struct coh_helper_watch watch;

    struct coh_asker asker; /* for those who ask it */
};

/* Listen to events; the process comes with the first generation. NULL: out of
   memory. */
struct coh_helper *coh_helper_new(struct coh_primary *primary);
void coh_helper_free(struct coh_helper *helper);

/* A generation serves: go on with its addresses and settings; start the
   process, or end it if there is nothing to listen on any more. */
void coh_helper_commit(
    struct coh_helper *helper, struct coh_generation *generation);

/* The primary's log files are others now. */
void coh_helper_reopen(struct coh_helper *helper);

/* The primary leaves. True: there is no process (any more); otherwise
   coh_primary_end_if_alone() is called when it has ended. */
bool coh_helper_end(struct coh_helper *helper);

/* In a forked child: close its descriptors here, nothing else. */
void coh_helper_forget(struct coh_helper *helper);

#endif
