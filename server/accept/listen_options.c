/* Options of a listening address, as another process has sent them. */
#include "server/accept/listen_options.h"

bool
coh_listen_options_are_valid(const struct cohort_listen_options *options)
{
    return (unsigned)options->policy <= COHORT_POLICY_REUSEPORT &&
        options->backlog >= 0 && options->mode <= 0777 &&
        coh_bool_is_valid(&options->deferred) &&
        coh_bool_is_valid(&options->ipv6only) &&
        coh_bool_is_valid(&options->is_bound);
}
