/* Messages are checked on both ends: who reads one may rely on it. */
#include "server/cluster/text.h"

#include <errno.h>

#include "core/json_text.h"

int
coh_message_check(
    enum cohort_serialization serialization, struct cohort_str message)
{
    size_t value_count;

    if (message.size > COHORT_MESSAGE_MAX) {
        return -EMSGSIZE;
    }
    if (serialization != COHORT_SERIALIZATION_JSON) {
        return 0;
    }
    return coh_json_text_check(message, &value_count, NULL) < 0 ? -EINVAL : 0;
}
