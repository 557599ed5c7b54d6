/* What the primary is asked for: one function per verb, whoever asks. */
#ifndef COH_PRIMARY_VERB_H
#define COH_PRIMARY_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/str.h>

#include "server/admin/frames.h"

struct coh_asker;
struct coh_target;

/* A result beside 0 and -errno: the outcome comes later (pending.h). */
#define COH_VERDICT_LATER 1

/* What a question comes to. */
struct coh_verdict {
    struct cohort_str data; /* what came behind the question; of the channel */
    int result;
    uint32_t value;
    char text[192];
};

typedef void coh_verb(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict);

/*
 * Do what is asked for. The outcome is told to the asker, inside this call or
 * when it is known.
 *
 * ask      Its verb is one that there is, its group NUL-terminated.
 * data     What came behind it; not needed after the call.
 * Returns  False: nothing is to be done or told, the asker wants to know
 *          something (STATUS and so on).
 */
bool coh_verb_ask(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct cohort_str data);

/* --- for verbs ------------------------------------------------------------ */

/* Those about the whole server (verb_server.c). */
coh_verb coh_verb_reload;
coh_verb coh_verb_upgrade;
coh_verb coh_verb_reopen;
coh_verb coh_verb_quit; /* of both kinds */
coh_verb coh_verb_stop;

/* Those about a group (verb_group.c). */
coh_verb coh_verb_scale;
coh_verb coh_verb_grow;

/* Those about one worker (verb_worker.c). */
coh_verb coh_verb_disconnect;
coh_verb coh_verb_kill;
coh_verb coh_verb_replace;
coh_verb coh_verb_message;

/* The worker that is asked about, of any group; false: there is none, which is
   the verdict. */
bool coh_verb_find(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_target *target, struct coh_verdict *verdict);

/* False: the server does not serve, which is the verdict. */
bool coh_verdict_must_serve(
    const struct coh_asker *asker, struct coh_verdict *verdict);

/* False: the server does not serve, or shares its sockets with another primary,
   which is the verdict. */
bool coh_verdict_must_be_alone(
    const struct coh_asker *asker, struct coh_verdict *verdict);

void coh_verdict_refuse(
    struct coh_verdict *verdict, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* False: too many wait already, which is the verdict. For what cannot be undone
   if it turns out so afterwards. */
bool coh_verdict_may_wait(
    const struct coh_asker *asker, struct coh_verdict *verdict);

/* To be answered when what it waits for has happened. */
void coh_verdict_wait(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    struct coh_verdict *verdict);

#endif
