/* Whether the connections of a worker come and go, or come and stay. */
#include "server/accept/churn.h"

void
coh_churn_count(struct coh_churn *churn, unsigned open, uint64_t now_ms)
{
    unsigned before = churn->open + 1; /* with the one that came last */

    if (churn->last_ms == 0 || now_ms - churn->last_ms > COH_CHURN_PAUSE_MS) {
        churn->came = 0;
        churn->went = 0;
    } else {
        churn->came++;
        churn->went += before > open ? before - open : 0;
    }
    if (churn->came >= COH_CHURN_MAX) {
        churn->came /= 2;
        churn->went /= 2;
    }
    churn->last_ms = now_ms;
    churn->open = open;
}

bool
coh_churn_is_high(const struct coh_churn *churn)
{
    return churn->came >= COH_CHURN_MIN && churn->went * 2 >= churn->came;
}
