/* Random bytes from the kernel. */
#include "core/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "core/check.h"

void
coh_random_bytes(void *out, size_t size)
{
    char *bytes = out;

    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);

        if (got < 0) {
            COH_CHECK(errno == EINTR);
            continue;
        }
        bytes += got;
        size -= (size_t)got;
    }
}

uint64_t
coh_random_u64(void)
{
    uint64_t value;

    coh_random_bytes(&value, sizeof(value));
    return value;
}
