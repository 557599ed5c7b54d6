/* Lines that an access log did not take. */
#include "http/log_loss.h"

#include <string.h>

#include "core/event.h"
#include "core/log.h"

#define TELL_MS 60000

static bool
may_tell(const struct coh_log_loss *loss)
{
    return loss->told_ms == 0 ||
        coh_loop_now_ms(loss->loop) - loss->told_ms >= TELL_MS;
}

static uint64_t
count_lines(const char *data, size_t size)
{
    const char *end = data + size;
    uint64_t count = 0;

    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));

        if (!newline) {
            break;
        }
        count++;
        data = newline + 1;
    }
    return count;
}

void
coh_log_loss_add(
    struct coh_log_loss *loss, const char *lines, size_t size,
    const char *reason)
{
    uint64_t count = count_lines(lines, size);

    loss->dropped += count;
    *loss->total += count;
    if (may_tell(loss)) {
        cohort_warn(
            loss->log,
            "access log \"%s\" took no more, %llu lines dropped so far: %s",
            loss->path.data, (unsigned long long)loss->dropped, reason);
        loss->told_ms = coh_loop_now_ms(loss->loop);
        loss->is_told = true;
    }
}

static void
tell_end(struct coh_log_loss *loss, const char *what)
{
    cohort_warn(
        loss->log, "access log \"%s\" %s, %llu lines were dropped",
        loss->path.data, what, (unsigned long long)loss->dropped);
    loss->told_ms = coh_loop_now_ms(loss->loop);
    loss->is_told = false;
    loss->dropped = 0;
}

void
coh_log_loss_end(struct coh_log_loss *loss)
{
    if (loss->dropped > 0 && (loss->is_told || may_tell(loss))) {
        tell_end(loss, "is written again");
    }
}

void
coh_log_loss_leave(struct coh_log_loss *loss)
{
    if (loss->dropped > 0) {
        tell_end(loss, "is left");
    }
}
