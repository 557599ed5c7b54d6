/* Whether connections are accepted one by one as they come, or at intervals. */
#include "server/accept/moderation.h"

/* Less than seven eighths of the direct rate is clearly less: epochs of some
   hundred connections differ by some percent without a reason. */
static bool
is_slower(uint64_t rate, uint64_t direct_rate)
{
    return rate * 8 < direct_rate * 7;
}

static unsigned
doubled(unsigned epochs)
{
    return epochs < COH_MODERATION_PATIENCE ? epochs * 2 : epochs;
}

static void
begin_epoch(struct coh_moderation *moderation, uint64_t now_us)
{
    moderation->since_us = now_us;
    moderation->count = 0;
}

static void
fail(struct coh_moderation *moderation)
{
    moderation->is_on = false;
    moderation->trust = 1;
    moderation->left = moderation->caution > 0 ? moderation->caution : 1;
    moderation->caution = doubled(moderation->left);
}

static void
end_direct_epoch(struct coh_moderation *moderation, uint64_t rate)
{
    moderation->direct_rate = rate;
    if (moderation->left > 0) {
        moderation->left--;
    } else if (rate >= COH_MODERATION_RATE) {
        moderation->is_on = true;
        moderation->left = moderation->trust > 0 ? moderation->trust : 1;
    }
}

static void
end_moderated_epoch(struct coh_moderation *moderation, uint64_t rate)
{
    if (is_slower(rate, moderation->direct_rate)) {
        fail(moderation);
        return;
    }
    moderation->caution = 1;
    if (--moderation->left == 0) {
        moderation->trust =
            doubled(moderation->trust > 0 ? moderation->trust : 1);
        moderation->is_on = false;
    }
}

bool
coh_moderation_count(
    struct coh_moderation *moderation, unsigned count, uint64_t now_us)
{
    uint64_t elapsed_us = now_us - moderation->since_us;
    bool was_on = moderation->is_on;
    uint64_t rate;

    moderation->count += count;
    if (elapsed_us < COH_MODERATION_EPOCH_US) {
        return false;
    }
    rate = (uint64_t)moderation->count * 1000000 / elapsed_us;
    if (was_on) {
        end_moderated_epoch(moderation, rate);
    } else {
        end_direct_epoch(moderation, rate);
    }
    begin_epoch(moderation, now_us);
    return moderation->is_on != was_on;
}

void
coh_moderation_end(struct coh_moderation *moderation, uint64_t now_us)
{
    fail(moderation);
    begin_epoch(moderation, now_us);
}
