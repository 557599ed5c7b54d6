/* Numbers in shared memory. */
#include "server/primary/numbers.h"

#include <errno.h>
#include <unistd.h>

#include "core/shm.h"

int
coh_numbers_init(struct coh_numbers *numbers)
{
    int fd = coh_shm_create("cohort-numbers", sizeof(*numbers->words));

    *numbers = (struct coh_numbers){.fd = -1};
    return fd < 0 ? fd : coh_numbers_adopt(numbers, fd);
}

int
coh_numbers_adopt(struct coh_numbers *numbers, int fd)
{
    *numbers = (struct coh_numbers){.fd = fd};
    numbers->words = coh_shm_map(fd, sizeof(*numbers->words));
    if (!numbers->words) {
        int result = -errno;

        coh_numbers_fini(numbers);
        return result;
    }
    return 0;
}

void
coh_numbers_fini(struct coh_numbers *numbers)
{
    coh_shm_unmap(numbers->words, sizeof(*numbers->words));
    if (numbers->fd >= 0) {
        close(numbers->fd);
    }
    *numbers = (struct coh_numbers){.fd = -1};
}
