/* Log files for which this process had no descriptor. */
#include "server/process/missed_files.h"

#include "core/clock.h"
#include "core/event.h"
#include "server/accept/intake.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"

#define FIRST_MS 100
#define LAST_MS 5000

/* Asked again until files come: the answer may be lost, too. */
static void
ask_later(struct coh_missed_files *missed)
{
    uint64_t delay_ms = missed->delay_ms;

    missed->ask_ms = coh_monotonic_ms() + delay_ms;
    if (missed->loop) {
        coh_event_add_ms(&missed->retry, delay_ms);
    }
}

static void
ask(struct coh_missed_files *missed)
{
    if (missed->intake) {
        coh_intake_reclaim(missed->intake);
    }
    /* If it fails, the primary is gone, or it is asked again. */
    (void)coh_channel_send(missed->channel, COH_FRAME_REOPEN_AGAIN, NULL, 0);
    missed->delay_ms =
        missed->delay_ms < LAST_MS / 2 ? missed->delay_ms * 2 : LAST_MS;
    ask_later(missed);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    ask(user);
}

void
coh_missed_files_init(
    struct coh_missed_files *missed, struct coh_channel *channel,
    struct coh_loop *loop, struct coh_intake *intake)
{
    *missed = (struct coh_missed_files){
        .channel = channel, .loop = loop, .intake = intake};
    if (loop) {
        event_assign(&missed->retry, loop->base, -1, 0, on_retry, missed);
    }
}

void
coh_missed_files_fini(struct coh_missed_files *missed)
{
    if (missed->loop) {
        event_del(&missed->retry);
    }
    missed->delay_ms = 0;
}

bool
coh_missed_files_note(struct coh_missed_files *missed)
{
    if (missed->delay_ms != 0) {
        return false; /* the next question is under way */
    }
    missed->delay_ms = FIRST_MS;
    ask_later(missed);
    return true;
}

bool
coh_missed_files_come(struct coh_missed_files *missed)
{
    bool were_missed = missed->delay_ms != 0;

    if (were_missed) {
        coh_missed_files_fini(missed);
    }
    return were_missed;
}

int
coh_missed_files_wait_ms(const struct coh_missed_files *missed)
{
    uint64_t now_ms = coh_monotonic_ms();

    if (missed->delay_ms == 0) {
        return -1;
    }
    return now_ms < missed->ask_ms ? (int)(missed->ask_ms - now_ms) : 0;
}

void
coh_missed_files_ask(struct coh_missed_files *missed)
{
    if (missed->delay_ms != 0 && coh_monotonic_ms() >= missed->ask_ms) {
        ask(missed);
    }
}
