/* An address that a member listens on, from inside. */
#ifndef COH_CLUSTER_LISTENING_H
#define COH_CLUSTER_LISTENING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cluster.h>

#include "server/accept/intake.h"
#include "server/channel/node_query.h"
#include "server/cluster/query.h"

struct coh_cluster_self;

/*
 *   ASKED -> OPEN        coh_listening_answered, or a socket of its own
 *   ASKED -> gone        the answer is an error
 *   OPEN -> CLOSING      cohort_listening_close
 *   ASKED -> CLOSING     the same; the answer is still awaited
 *   CLOSING -> gone      its last connection has been closed
 */
enum coh_listening_state {
    COH_LISTENING_ASKED,
    COH_LISTENING_OPEN,
    COH_LISTENING_CLOSING,
};

struct cohort_listening {
    TAILQ_ENTRY(cohort_listening) link;
    struct coh_cluster_self *self;
    struct cohort_listen_settings settings;
    enum coh_listening_state state;
    bool is_own;      /* the primary was not asked */
    bool is_answered; /* or need not be */
    bool is_untold;   /* on_listening is still to be called */
    struct coh_query query;
    uint32_t request; /* of the query */
    uint32_t number;  /* of the site; 0: none */
    char *key;        /* Node's name of it; NULL: none */
    struct coh_node_query node_query;

    struct coh_intake intake;
    struct coh_handoff_words words; /* when the primary has none for it */
    struct coh_turns turns;         /* without an area: it takes none */
    int udp;                        /* -1: none */
    struct cohort_address address;
    char host[COH_ADDR_TEXT_MAX];
};

/* What came of a query. */
struct coh_listening_answer {
    int result;
    const char *why;
    uint32_t number;
    struct coh_handoff_words *words; /* NULL: its own */
    enum cohort_policy policy;
    struct coh_addr bound;
    int fd;              /* -1: none; taken over */
    int turns;           /* the memory of turns; stays whose it is */
    unsigned turn;       /* our place there */
    unsigned turn_count; /* places; 0: there are no turns */
};

/* Ask the primary. As cohort_self_listen. */
int coh_listening_ask(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings,
    const struct coh_query *query, struct cohort_listening **listening);

void coh_listening_answered(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer);

struct cohort_listening *coh_listening_of_request(
    struct coh_cluster_self *self, uint32_t request);
struct cohort_listening *coh_listening_of_number(
    struct coh_cluster_self *self, uint32_t number);

/* Does the primary think that we listen there, or will it? What is closed before
   it was answered, it does not know to be. Not for one's own sockets. */
static inline bool
coh_listening_is_had(const struct cohort_listening *listening)
{
    return listening->state != COH_LISTENING_CLOSING || !listening->is_answered;
}

/* Is there room for one connection more? For codecs without words. */
bool coh_listening_has_room(const struct cohort_listening *listening);

/* Take over a connection. */
void coh_listening_serve(struct cohort_listening *listening, int fd);

/* Make one that does nothing yet, or NULL; start it with what there is (a
   socket, or words); free it at once. */
struct cohort_listening *coh_listening_new(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings);
void coh_listening_start(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer);
void coh_listening_free(struct cohort_listening *listening);

/* Take turns with others that accept from its socket, as the answer says; no
   more (listening_turns.c). Fine twice, and without any. */
void coh_listening_join_turns(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer);
void coh_listening_leave_turns(struct cohort_listening *listening);

/* Accept from now on, unless the primary holds us; it does no more
   (listening_hold.c). */
void coh_listening_accept(struct cohort_listening *listening);
void coh_listenings_release(struct coh_cluster_self *self);

/* Tell what was put off. */
void coh_listenings_turn(struct coh_cluster_self *self);

/* Close all. */
void coh_listenings_close(struct coh_cluster_self *self);

/* At once, without telling anybody. */
void coh_listenings_free(struct coh_cluster_self *self);

#endif
