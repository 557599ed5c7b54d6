/* Callbacks of messages under way, called from the loop in their order. */
#include "server/cluster/outbox.h"

#include <errno.h>
#include <stdlib.h>

#include "core/event.h"

struct coh_outgoing {
    STAILQ_ENTRY(coh_outgoing) link;
    uint64_t mark;
    void (*on_sent)(int result, void *user);
    void *user;
};

/* The first one, if its time has come. */
static struct coh_outgoing *
take_done(struct coh_outbox *outbox, int *result)
{
    struct coh_outgoing *first = STAILQ_FIRST(&outbox->list);

    if (first == NULL ||
        (first->mark > outbox->reached && outbox->error == 0)) {
        return NULL;
    }
    *result = first->mark <= outbox->reached ? 0 : outbox->error;
    STAILQ_REMOVE_HEAD(&outbox->list, link);
    return first;
}

void
coh_outbox_call(struct coh_outbox *outbox)
{
    struct coh_outgoing *done;
    int result;

    while ((done = take_done(outbox, &result)) != NULL) {
        done->on_sent(result, done->user);
        free(done);
    }
}

static void
on_turn(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_outbox_call(user);
}

void
coh_outbox_init(struct coh_outbox *outbox, struct coh_loop *loop)
{
    STAILQ_INIT(&outbox->list);
    outbox->reached = 0;
    outbox->error = 0;
    event_assign(&outbox->turn, loop->base, -1, 0, on_turn, outbox);
}

void
coh_outbox_fini(struct coh_outbox *outbox)
{
    struct coh_outgoing *first;

    event_del(&outbox->turn);
    while ((first = STAILQ_FIRST(&outbox->list)) != NULL) {
        STAILQ_REMOVE_HEAD(&outbox->list, link);
        free(first);
    }
}

static void
call_soon(struct coh_outbox *outbox)
{
    const struct coh_outgoing *first = STAILQ_FIRST(&outbox->list);

    if (first != NULL &&
        (first->mark <= outbox->reached || outbox->error != 0)) {
        event_active(&outbox->turn, EV_TIMEOUT, 1);
    }
}

int
coh_outbox_add(
    struct coh_outbox *outbox, uint64_t mark,
    void (*on_sent)(int result, void *user), void *user)
{
    struct coh_outgoing *added = malloc(sizeof(*added));

    if (added == NULL) {
        return -ENOMEM;
    }
    *added =
        (struct coh_outgoing){.mark = mark, .on_sent = on_sent, .user = user};
    STAILQ_INSERT_TAIL(&outbox->list, added, link);
    call_soon(outbox);
    return 0;
}

void
coh_outbox_reach(struct coh_outbox *outbox, uint64_t mark)
{
    outbox->reached = mark;
    call_soon(outbox);
}

void
coh_outbox_end(struct coh_outbox *outbox)
{
    outbox->error = -EPIPE;
    call_soon(outbox);
}
