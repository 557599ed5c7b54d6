/* A worker group in the primary: a program's workers, as many as there should
   be, and what becomes of them. The built-in HTTP service is not one of these:
   its workers come from templates (generation.h). */
#ifndef COH_PRIMARY_GROUP_H
#define COH_PRIMARY_GROUP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/accept/listener.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"
#include "server/primary/events.h"
#include "server/primary/groups/group_await.h"
#include "server/primary/groups/group_declaration.h"
#include "server/primary/groups/group_output.h"
#include "server/primary/place_environment.h"
#include "server/primary/recycle.h"
#include "server/primary/respawn.h"

struct coh_generation;
struct coh_group;
struct coh_group_emptying;
struct coh_primary;

LIST_HEAD(coh_group_emptyings, coh_group_emptying); /* addresses */

/* A worker that is online and listens nowhere after this long is taken for one
   that never will, if the group did not listen before. */
#define COH_GROUP_QUIET_MS 5000

/* So long programs wait at most for who accepts from their sockets. */
#define COH_GROUP_POSTPONED_MS 5000

/*
 *   STARTING -> SERVING   the generation that declared it is committed
 *   STARTING -> LEAVING   that was dropped
 *   SERVING -> LEAVING    replaced, left out, or the primary leaves
 *   LEAVING -> freed      its last worker is gone
 */
enum coh_group_state {
    COH_GROUP_STARTING,
    COH_GROUP_SERVING,
    COH_GROUP_LEAVING,
};

/* Where one of its workers stands, and who follows when it dies. */
struct coh_group_place {
    struct coh_group *group;
    struct cohort_worker *member; /* NULL: nobody */
    uint64_t predecessor; /* leaves when the member is ready; 0: nobody does */
    bool is_ready;        /* the member listens, or never will */
    bool is_vacant;       /* left on purpose: nobody follows */
    struct coh_place_environment environment;
    struct coh_respawn respawn;
    uint64_t calm_until_ms; /* the member is not replaced before that */
    struct event later; /* nobody: the back-off; else how long it is quiet, or
                           ready */
};

struct coh_group {
    TAILQ_ENTRY(coh_group) link; /* in primary->groups */
    struct coh_primary *primary;
    struct coh_group_declaration *declaration;
    const char *name;
    uint64_t generation;      /* that started it */
    uint64_t last_generation; /* that it served in; 0: none yet */
    enum coh_group_state state;
    enum cohort_reason reason;            /* LEAVING: why */
    struct coh_group_emptyings emptyings; /* that have to be empty first */
    struct event settle; /* while there are any; of one that is ended: SIGKILL
                            comes then */
    struct coh_group_await await; /* then what was accepted has to be taken */
    bool is_ended;                /* by a signal: nobody is asked to leave */
    uint64_t leave_began_ms;      /* later by the time in which nobody waited */
    uint64_t looked_ms;           /* LEAVING: whether somebody does */
    struct event pause; /* while connections wait for workers that leave then */
    uint64_t pause_began_ms;
    uint64_t shutdown_timeout_ms;   /* LEAVING: of who leaves; 0: no limit */
    struct coh_generation *starter; /* waits for it; NULL: nobody */
    bool did_listen;                /* those whom it replaces */
    struct coh_listener *listeners[COH_GROUP_LISTENS_MAX]; /* of programs that
        are given them */
    unsigned listener_count;
    bool is_postponed; /* these are others' still: nobody is started */
    uint64_t postponed_until_ms;
    struct event postponed; /* SERVING: looks whether they are */
    struct coh_cluster cluster;
    struct coh_cluster_reader reader;
    struct coh_group_outputs outputs;
    struct coh_recycle recycle;
    struct coh_group_place *places;
    unsigned place_count;
    unsigned target; /* how many of them should have a worker */
    struct coh_respawn_pace pace;
};

/*
 * Make a group; its workers are not started yet.
 *
 * declaration  Taken over, also on failure.
 * before       The group of that name that serves, or NULL; both have the same
 *              secrets.
 * Returns      It, in primary->groups; NULL with why.
 */
struct coh_group *coh_group_new(
    struct coh_generation *starter, struct coh_group_declaration *declaration,
    struct coh_group *before, char why[COH_LISTENER_WHY_MAX]);

/* Start its workers. 0; -errno with why. */
int coh_group_start(struct coh_group *group, char why[COH_LISTENER_WHY_MAX]);

/* The group whose cluster it is. */
struct coh_group *coh_group_of(struct coh_cluster *cluster);

/* All its workers are ready. */
bool coh_group_is_ready(const struct coh_group *group);

/* Connections may come, as in this generation. */
void coh_group_serve(struct coh_group *group, uint64_t generation);

/* It serves in the place of another one, which may have been scaled. */
void coh_group_follow(struct coh_group *group, const struct coh_group *before);

/* Before everything else, and last. */
void coh_group_leave_init(struct coh_group *group);
void coh_group_leave_fini(struct coh_group *group);

/* Its workers finish what they have and leave; what they have not taken is for
   the successor's. NULL: there is none. Addresses that nobody else has are
   emptied first, as long as somebody takes what waits there and
   worker_shutdown_timeout is not over (group_leave.c). */
void coh_group_retire(
    struct coh_group *group, struct coh_group *successor,
    enum cohort_reason reason);

/* The generation that it was started for is dropped: workers that accept by
   themselves and cannot be held (coh_member_accepts) finish what they have, as
   in coh_group_retire; the others are killed. before: the group of that name
   that goes on serving; NULL: there is none. */
void coh_group_drop(struct coh_group *group, struct coh_group *before);

/* Its workers take what was accepted, finish what they have and leave; nobody
   follows, but all addresses stay, and what waits there waits on
   (group_pause.c). Of one that serves; fine twice. */
void coh_group_pause(struct coh_group *group);
void coh_group_pause_init(struct coh_group *group);
void coh_group_pause_fini(struct coh_group *group);

/* Who listens accepts again; others have to be started
   (coh_group_scale). Fine for one that is not paused. */
void coh_group_resume(struct coh_group *group);

/* Its workers get a signal, those that survive it SIGKILL a second later, and
   nobody follows. */
void coh_group_end(struct coh_group *group, int number);

/* Addresses of one that leaves still have to be empty first. */
bool coh_group_is_emptying(const struct coh_group *group);

/* In a forked child: close its descriptors here, nothing else. */
void coh_group_forget(struct coh_group *group);

/* --- its sockets (group_listen.c) ----------------------------------------- */

/*
 * Open what the declaration lists, and put it into the settings of the workers.
 *
 * settings  As declared; what is added lives as long as the declaration.
 * Returns   0; -errno with why.
 */
int coh_group_listen(
    struct coh_group *group, struct cohort_settings *settings,
    char why[COH_LISTENER_WHY_MAX]);

/* A program of it is about to be started: its sockets block, as systemd hands
   them over, unless somebody else has them already. */
void coh_group_lend(struct coh_group *group);

/* Are its programs given this one? They get its first socket. */
bool coh_group_gives(
    const struct coh_group *group, const struct coh_listener *listener);

/* Give them back. */
void coh_group_unlisten(struct coh_group *group);

/* --- its sockets are others' still (group_postpone.c) --------------------- */

/* Before everything else, and last. */
void coh_group_postpone_init(struct coh_group *group);
void coh_group_postpone_fini(struct coh_group *group);

/* Workers that were told to leave, built-in ones or those of a group, may not
   have read it yet, and still accept there. */
bool coh_group_has_stragglers(
    const struct coh_primary *primary, const struct coh_listener *listener);

/* Before its first worker is started: does somebody accept from the sockets of
   its programs? Then none is, as if all were ready. 0; -errno with why: they
   could not be started later either. */
int coh_group_postpone(struct coh_group *group, char why[COH_LISTENER_WHY_MAX]);

/* Could its program be started? As far as that can be seen without starting it
   (group_program.c). 0; -errno with why. */
int coh_group_check_program(
    const struct coh_group *group, char why[COH_LISTENER_WHY_MAX]);

/* It serves: start them as soon as the others accept no more, and not later
   than in COH_GROUP_POSTPONED_MS. Fine for one that was not postponed. */
void coh_group_postpone_end(struct coh_group *group);

/* --- its workers (group_place.c) ------------------------------------------ */

/* How many workers it may have: worker_processes_max, or as many as are
   configured, if there is room for them since it was made. */
unsigned coh_group_max(const struct coh_group *group);

/* Have count workers, 1..coh_group_max, who are not about to leave. */
void coh_group_scale(struct coh_group *group, unsigned count);

/* Before everything else. */
void coh_group_init_places(struct coh_group *group);

/* Another one stands in its place; it leaves when that is ready. 0 with its id;
   -errno as coh_dismiss_replace. */
int coh_group_replace(
    struct coh_group *group, struct cohort_worker *member, uint64_t *successor);

/* When it ends another one is started, by what "respawn" says and how it leaves
   by now. */
bool coh_group_is_followed(
    const struct coh_group *group, const struct cohort_worker *member);

/* The member stands in a place and is ready. */
bool coh_group_has_ready(
    struct coh_group *group, const struct cohort_worker *member);

/* Start those that miss. */
void coh_group_settle(struct coh_group *group);

/* As coh_grow_check and coh_grow (grow.h). */
int coh_group_grow_check(
    const struct coh_group *group, unsigned count,
    struct cohort_str environment);
void coh_group_grow(
    struct coh_group *group, unsigned count, struct cohort_str environment);

/* NULL: it has been replaced, or was let go. */
struct coh_group_place *coh_group_place_of(
    struct coh_group *group, const struct cohort_worker *member);

/* What its members do, told by the events of the cluster. */
void coh_group_member_online(
    struct coh_group *group, struct cohort_worker *member);
void coh_group_member_listens(
    struct coh_group *group, struct cohort_worker *member);
void coh_group_member_ended(
    struct coh_group *group, struct cohort_worker *member, const char *how);

/* --- its workers leave (group_dismiss.c) ---------------------------------- */

/* How long connections may wait when it leaves, and then its workers may take
   that are told to; 0: as long as they like. */
uint64_t coh_group_shutdown_timeout(const struct coh_group *group);

/* It leaves or pauses, and connections have waited that long. */
bool coh_group_time_is_over(const struct coh_group *group);

/* Tell one to leave. */
void coh_group_dismiss(
    struct coh_group *group, struct cohort_worker *member,
    enum cohort_reason reason);

/* A member leaves, and nobody follows unless "respawn always" says so. 0;
   -EALREADY. */
int coh_group_disconnect(struct coh_group *group, struct cohort_worker *member);

/* --- what it tells (group_event.c) ---------------------------------------- */

struct coh_event coh_group_event_of(
    enum coh_event_kind kind, const struct cohort_worker *member);

void coh_group_tell(struct coh_group *group, struct coh_event event);

/* Its workers are about to be started. */
void coh_group_tell_setup(struct coh_group *group);

/* The reader of its cluster; user: the group. */
void coh_group_on_event(void *user, const struct coh_cluster_event *event);

#endif
