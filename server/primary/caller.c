/* Calls: noted, asked, answered; each is in one list until it has been told. */
#include "server/primary/caller.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "server/primary/pending.h"
#include "server/primary/primary.h"
#include "server/primary/verb.h"

struct coh_call {
    TAILQ_ENTRY(coh_call) link;
    struct coh_frame_ask ask;
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user);
    void *user;
};

/* --- outcomes ------------------------------------------------------------- */

/* Errors of a configuration, each behind the other; NULL: no memory. */
static char *
make_lines(const char *report)
{
    char *lines = strdup(report);
    char *at = lines;

    while (at && (at = strchr(at, COH_ADMIN_ERROR_SEPARATOR)) != NULL) {
        *at = at[1] == '\0' ? '\0' : '\n';
    }
    return lines;
}

/* The call has left its list. What it does may call again. */
static void
tell(
    struct coh_caller *caller, struct coh_call *call, int result,
    uint64_t generation, const char *text)
{
    char *lines =
        strchr(text, COH_ADMIN_ERROR_SEPARATOR) ? make_lines(text) : NULL;
    const struct cohort_outcome outcome = {
        .result = result,
        .generation = generation,
        .text = lines ? lines : text,
    };

    caller->count--;
    if (call->on_outcome) {
        call->on_outcome(&outcome, call->user);
    }
    free(call);
    free(lines);
}

static void
take_outcome(
    struct coh_asker *asker, const struct coh_frame_ask *ask,
    const struct coh_frame_outcome *outcome, const char *text)
{
    struct coh_caller *caller =
        (struct coh_caller
             *)((char *)asker - offsetof(struct coh_caller, asker));
    struct coh_call *call;

    TAILQ_FOREACH (call, &caller->waiting, link) {
        if (call->ask.number == ask->number) {
            TAILQ_REMOVE(&caller->waiting, call, link);
            tell(
                caller, call, outcome->result,
                ask->verb == COH_ASK_RELOAD ? outcome->value : 0,
                text ? text : "");
            return;
        }
    }
}

/* --- asking --------------------------------------------------------------- */

/* What is called meanwhile has its turn at the next one. */
static void
on_wake(evutil_socket_t fd, short what, void *user)
{
    struct coh_caller *caller = user;
    struct coh_call_list noted = TAILQ_HEAD_INITIALIZER(noted);
    struct coh_call *call;

    (void)fd;
    (void)what;
    TAILQ_CONCAT(&noted, &caller->noted, link);
    while ((call = TAILQ_FIRST(&noted)) != NULL) {
        const struct coh_frame_ask ask = call->ask;

        TAILQ_REMOVE(&noted, call, link);
        TAILQ_INSERT_TAIL(&caller->waiting, call, link);
        coh_verb_ask(&caller->asker, &ask, cohort_str_n("", 0));
    }
}

int
coh_caller_ask(
    struct coh_caller *caller, const struct coh_frame_ask *ask,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user)
{
    struct coh_call *call;

    if (caller->thread != gettid()) { /* children have a copy of it */
        return -EPERM;
    }
    if (caller->count == COH_PENDING_MAX) {
        return -ENOBUFS;
    }
    call = calloc(1, sizeof(*call));
    if (!call) {
        return -ENOMEM;
    }
    call->ask = *ask;
    call->ask.number = ++caller->last;
    call->on_outcome = on_outcome;
    call->user = user;
    TAILQ_INSERT_TAIL(&caller->noted, call, link);
    caller->count++;
    coh_event_add_ms(&caller->wake, 0);
    return 0;
}

/* --- beginning and end ---------------------------------------------------- */

void
coh_caller_begin(struct coh_caller *caller, struct coh_primary *primary)
{
    *caller = (struct coh_caller){
        .thread = gettid(),
        .asker = {.primary = primary, .on_outcome = take_outcome},
    };
    TAILQ_INIT(&caller->noted);
    TAILQ_INIT(&caller->waiting);
    event_assign(&caller->wake, primary->loop.base, -1, 0, on_wake, caller);
}

void
coh_caller_end(struct coh_caller *caller)
{
    struct coh_call *call;

    if (!caller || caller->thread == 0) {
        return;
    }
    caller->thread = 0; /* nothing new */
    event_del(&caller->wake);
    coh_pending_drop(&caller->asker);
    TAILQ_CONCAT(&caller->waiting, &caller->noted, link);
    while ((call = TAILQ_FIRST(&caller->waiting)) != NULL) {
        TAILQ_REMOVE(&caller->waiting, call, link);
        tell(caller, call, -EAGAIN, 0, "the server leaves");
    }
}
