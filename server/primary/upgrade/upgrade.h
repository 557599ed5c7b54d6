/* Binary upgrade: a new primary, started from the binary on disk, serves on the
   same sockets beside the old one, until one of the two leaves.

   The old one:
     ALONE -> TRYING      begun (upgrade.c): the new one loads
     TRYING -> BOTH       it has said that it serves (twin.c)
     TRYING -> ALONE      it has failed
   The new one:
     FOLLOWING -> BOTH    its first generation serves (takeover.c)
     FOLLOWING -> ALONE   the old one has died
   Each of them:
     BOTH -> LEAVING      it quits: the sockets are the other one's
     BOTH -> LEFT         the other one quits: they are its own
     LEFT -> ALONE        the other one is gone
     LEFT -> TRYING       it has become a new one (returning.h) */
#ifndef COH_PRIMARY_UPGRADE_H
#define COH_PRIMARY_UPGRADE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/channel/channel.h"
#include "server/primary/child.h"
#include "server/primary/events.h"
#include "server/process/binary.h"

struct coh_handover;
struct coh_listener;
struct coh_primary;

#define COH_UPGRADE_WHY_MAX 1024

enum coh_upgrade_state {
    COH_UPGRADE_ALONE,
    COH_UPGRADE_TRYING,
    COH_UPGRADE_FOLLOWING,
    COH_UPGRADE_BOTH,
    COH_UPGRADE_LEAVING,
    COH_UPGRADE_LEFT,
};

struct coh_upgrade {
    struct coh_primary *primary;
    enum coh_upgrade_state state;
    bool is_new;       /* the other one has started us */
    bool has_names;    /* pid file and admin sockets lead to us */
    bool is_wanted;    /* waits for a reload to end */
    bool is_returning; /* ... and then for the other one, as a new one */
    bool may_go;       /* of LEAVING: the other one has all names */
    bool is_last;      /* of LEAVING: it leaves, too, and before us */
    bool is_end;       /* of LEAVING: it leaves, too, and we after it */
    bool will_replace; /* leave as soon as the new one serves */
    pid_t other;       /* 0: none */
    struct coh_binary binary;
    struct coh_child child; /* the new one, if we have started it */
    bool has_exited;        /* it has; what it said last may wait */
    struct coh_exit how;
    struct coh_channel channel; /* to the other one; fd -1: none */
    struct event retry;         /* while it is wanted; of LEAVING: until we go
                                   whether the other one has heard or not */
    struct event deadline;      /* until the new one must serve, or we leave */
    struct event tick;          /* the other one is told our counters */

    /* Of the old one. */
    int words; /* memory: what the new one has printed; -1: none */
    char why[COH_UPGRADE_WHY_MAX]; /* it cannot be had */
    char *report; /* errors of the configuration that it found, '\x1e' behind
                     each; NULL: none */

    /* Sockets that are handed over, in the order in which they are named: of
       the old one until the upgrade has ended, of the new one until it
       serves. */
    struct coh_listener **lent;
    size_t lent_count;
};

/*
 * Make it. What is handed over is inherited: from then on its addresses are
 * found by coh_listener_open.
 *
 * handover  Taken over piece by piece; NULL: this is no new one.
 * Returns   0 or -errno.
 */
int coh_upgrade_init(
    struct coh_upgrade *upgrade, struct coh_primary *primary,
    struct coh_handover *handover);
void coh_upgrade_fini(struct coh_upgrade *upgrade);

/*
 * Start the binary on disk, after a reload that is under way.
 *
 * will_replace  Leave when it serves; else both serve until one of them is
 *               told to leave.
 * Returns       0: an event says what becomes of it; -EAGAIN with why (static).
 */
int coh_upgrade_begin(
    struct coh_upgrade *upgrade, bool will_replace, const char **why);

/* Between begin and the moment in which one of them leaves: sockets are not
   ours alone. */
bool coh_upgrade_is_under_way(const struct coh_upgrade *upgrade);

/* We are told to stop. True if we are a new one beside the old one: then this
   takes the upgrade back, nobody need lose a request, and we quit instead; told
   to stop once more if that takes long. */
bool coh_upgrade_take_back(struct coh_upgrade *upgrade);

/*
 * Process 1 that leaves for a new one would go on in its place, and is told to
 * leave for good: the new one is told to quit, too, and we stay until it has
 * gone. False: there is nobody to tell, or it has been.
 */
bool coh_upgrade_end_both(struct coh_upgrade *upgrade);

/* Our counters are shown to somebody, who may ask the other one next: that must
   not know less. */
void coh_upgrade_shows(struct coh_upgrade *upgrade);

/* We leave. A new one that does not serve yet is ended. */
void coh_upgrade_leave(struct coh_upgrade *upgrade);

/* Must the process stay, although it has nothing to do any more, until the
   other one has our names? coh_primary_end_if_alone() is called when not. */
bool coh_upgrade_is_needed(const struct coh_upgrade *upgrade);

/* We have left: what there is to say before the process ends. */
void coh_upgrade_end(struct coh_upgrade *upgrade);

/* In a forked child: close its descriptors here, nothing else. */
void coh_upgrade_forget(struct coh_upgrade *upgrade);

/* --- the new one (takeover.c) --------------------------------------------- */

/* For whoever has asked for it: an error of the configuration, or what else is
   in the way. Nothing if we are no new one. */
void coh_upgrade_say(
    struct coh_upgrade *upgrade, bool is_configuration, const char *text);

/* The first generation serves. */
void coh_upgrade_serves(struct coh_upgrade *upgrade);

/* --- steps, told by the channel (twin.c) ---------------------------------- */

/* In the old one: the new one serves. */
void coh_upgrade_ready(struct coh_upgrade *upgrade, const char *version);

/* In the new one, before it serves: the old one is gone. */
void coh_upgrade_lose_old(struct coh_upgrade *upgrade);

/* In the new one: pid file and admin sockets are to lead to us. */
void coh_upgrade_take_names(struct coh_upgrade *upgrade);

/* The other one takes nothing more: everything is ours. */
void coh_upgrade_other_leaves(struct coh_upgrade *upgrade);

/* It has left, and comes back as a new primary in its old process. */
void coh_upgrade_other_returns(struct coh_upgrade *upgrade);

/* We leave, and the other one has our names: the process may end. */
void coh_upgrade_may_go(struct coh_upgrade *upgrade);

/* Its end of the channel is closed. */
void coh_upgrade_other_gone(struct coh_upgrade *upgrade);

/* --- for its own files ---------------------------------------------------- */

/* Tell it as an event. */
void coh_upgrade_tell(
    struct coh_upgrade *upgrade, enum coh_event_kind kind, const char *text);

/* Begin as a new one. 0 or -errno. */
int coh_upgrade_follow(
    struct coh_upgrade *upgrade, struct coh_handover *handover);

/* Nobody else is there any more. */
void coh_upgrade_be_alone(struct coh_upgrade *upgrade);

/* Begin to tell the other one our counters, each second. */
void coh_upgrade_start_telling(struct coh_upgrade *upgrade);

#endif
