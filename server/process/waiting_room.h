/* Where strangers wait until a whole request of theirs has come: who says
   nothing, or little by little, takes no room from those who are served.

   None of their bytes is taken from the socket here. */
#ifndef COH_PROCESS_WAITING_ROOM_H
#define COH_PROCESS_WAITING_ROOM_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define COH_WAITING_MAX 64 /* connections */

struct coh_loop;
struct coh_waiting_room;

struct coh_waiter {
    TAILQ_ENTRY(coh_waiter) link;
    struct coh_waiting_room *room;
    int fd;
    unsigned door;
    uint64_t since_ms;
    struct event event; /* pending as long as it is silent */
};

TAILQ_HEAD(coh_waiters, coh_waiter);

struct coh_waiting_room {
    struct coh_loop *loop;
    uint64_t patience_ms;
    void (*on_request)(void *user);
    void *user;
    /* The oldest first. */
    struct coh_waiters silent; /* no whole request yet */
    struct coh_waiters ready;
    struct coh_waiters free;
    struct coh_waiter places[COH_WAITING_MAX];
};

/*
 * max          So many may wait, 1..COH_WAITING_MAX.
 * patience_ms  Who is silent for longer is let go.
 * on_request   Somebody is ready; called from the loop, or inside
 *              coh_waiting_room_enter.
 */
void coh_waiting_room_init(
    struct coh_waiting_room *room, struct coh_loop *loop, unsigned max,
    uint64_t patience_ms, void (*on_request)(void *user), void *user);

/* One has come; fd is taken over. When all places are taken the silent one that
   has waited for longest makes room; without a silent one, who is ready. */
void coh_waiting_room_enter(
    struct coh_waiting_room *room, int fd, unsigned door);

/* The one that has been ready for longest, now the caller's; -1: nobody is.
   door: out. */
int coh_waiting_room_next(struct coh_waiting_room *room, unsigned *door);

/* Let the silent ones go, after a last look; who is ready then stays, to be
   asked for. */
void coh_waiting_room_clear(struct coh_waiting_room *room);

#endif
