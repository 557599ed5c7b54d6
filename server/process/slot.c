/* Slots: taken and given back by the primary, mapped one by one by workers. */
#include "server/process/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/shm.h"

int
coh_slots_init(struct coh_slots *slots, unsigned count)
{
    size_t size = count * sizeof(struct coh_slot);
    int result;

    *slots = (struct coh_slots){.fd = -1};
    slots->is_used = calloc(count, sizeof(*slots->is_used));
    if (!slots->is_used) {
        return -ENOMEM;
    }
    slots->fd = coh_shm_create("cohort-slots", size);
    if (slots->fd < 0) {
        result = slots->fd;
        coh_slots_fini(slots);
        return result;
    }
    slots->array = coh_shm_map(slots->fd, size);
    if (!slots->array) {
        result = -errno;
        coh_slots_fini(slots);
        return result;
    }
    slots->count = count;
    return 0;
}

void
coh_slots_fini(struct coh_slots *slots)
{
    if (slots->array) {
        coh_shm_unmap(slots->array, slots->count * sizeof(struct coh_slot));
    }
    if (slots->fd >= 0) {
        close(slots->fd);
    }
    free(slots->is_used);
    *slots = (struct coh_slots){.fd = -1};
}

int
coh_slots_take(struct coh_slots *slots)
{
    for (unsigned index = 0; index < slots->count; index++) {
        if (!slots->is_used[index]) {
            slots->is_used[index] = true;
            memset(&slots->array[index], 0, sizeof(struct coh_slot));
            return (int)index;
        }
    }
    return -ENOSPC;
}

void
coh_slots_give(struct coh_slots *slots, unsigned index)
{
    slots->is_used[index] = false;
}

struct coh_slot *
coh_slot_map(int fd, unsigned index)
{
    void *memory = mmap(
        NULL, sizeof(struct coh_slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
        (off_t)(index * sizeof(struct coh_slot)));

    return memory == MAP_FAILED ? NULL : memory;
}

void
coh_slot_unmap(struct coh_slot *slot)
{
    munmap(slot, sizeof(*slot));
}
