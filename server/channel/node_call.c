/* Questions to a Node peer that it has not answered yet. */
#include "server/channel/node_call.h"

#include <errno.h>
#include <stdlib.h>

void
coh_node_calls_init(struct coh_node_calls *calls)
{
    TAILQ_INIT(&calls->list);
    calls->count = 0;
    calls->next_seq = 0;
}

void
coh_node_calls_fini(struct coh_node_calls *calls)
{
    struct coh_node_call call;

    while (coh_node_calls_take_first(calls, &call)) {
        continue;
    }
}

int
coh_node_calls_add(
    struct coh_node_calls *calls, uint64_t seq, coh_node_reply_handler *handle,
    void *user)
{
    struct coh_node_call *call;

    if (calls->count == COH_NODE_CALLS_MAX) {
        return -ENOBUFS;
    }
    call = malloc(sizeof(*call));
    if (call == NULL) {
        return -ENOMEM;
    }
    call->seq = seq;
    call->handle = handle;
    call->user = user;
    TAILQ_INSERT_TAIL(&calls->list, call, link);
    calls->count++;
    return 0;
}

static bool
take(
    struct coh_node_calls *calls, struct coh_node_call *found,
    struct coh_node_call *call)
{
    if (found == NULL) {
        return false;
    }
    TAILQ_REMOVE(&calls->list, found, link);
    calls->count--;
    *call = *found;
    free(found);
    return true;
}

/* Answers come in about the order of the questions: it is among the first. */
bool
coh_node_calls_take(
    struct coh_node_calls *calls, uint64_t seq, struct coh_node_call *call)
{
    struct coh_node_call *found;

    TAILQ_FOREACH (found, &calls->list, link) {
        if (found->seq == seq) {
            break;
        }
    }
    return take(calls, found, call);
}

bool
coh_node_calls_take_first(
    struct coh_node_calls *calls, struct coh_node_call *call)
{
    return take(calls, TAILQ_FIRST(&calls->list), call);
}
