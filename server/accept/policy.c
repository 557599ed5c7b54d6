/* All scheduling policies. */
#include "server/accept/policy.h"

const struct coh_policy *
coh_policy_of(enum cohort_policy id)
{
    switch (id) {
    case COHORT_POLICY_LEAST_CONN:
        return &coh_policy_least_conn;
    case COHORT_POLICY_SHARED:
        return &coh_policy_shared;
    case COHORT_POLICY_REUSEPORT:
        return &coh_policy_reuseport;
    case COHORT_POLICY_ROUND_ROBIN:
    case COHORT_POLICY_DEFAULT:
        break;
    }
    return &coh_policy_round_robin;
}
