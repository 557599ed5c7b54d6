/* Slots: taken and given back by the primary, mapped one by one by workers. */
#include "server/process/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/shm.h"

size_t
coh_slot_stride(size_t page_size)
{
    return (sizeof(struct coh_slot) + page_size - 1) / page_size * page_size;
}

/* mmap takes no finer offsets than pages. */
static size_t
own_stride(void)
{
    return coh_slot_stride((size_t)sysconf(_SC_PAGESIZE));
}

static size_t
memory_size(unsigned count)
{
    return count * own_stride() + coh_turns_area_size(count);
}

int
coh_slots_init(struct coh_slots *slots, unsigned count)
{
    size_t size = memory_size(count);
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
    slots->memory = coh_shm_map(slots->fd, size);
    if (!slots->memory) {
        result = -errno;
        coh_slots_fini(slots);
        return result;
    }
    slots->count = count;
    slots->stride = own_stride();
    slots->turns = (struct coh_turns_area *)coh_slots_at(slots, count);
    return 0;
}

void
coh_slots_fini(struct coh_slots *slots)
{
    if (slots->memory) {
        coh_shm_unmap(slots->memory, memory_size(slots->count));
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
            memset(coh_slots_at(slots, index), 0, sizeof(struct coh_slot));
            coh_slots_at(slots, index)->slot_count = slots->count;
            coh_turns_come(slots->turns, index);
            return (int)index;
        }
    }
    return -ENOSPC;
}

void
coh_slots_give(struct coh_slots *slots, unsigned index)
{
    coh_turns_gone(slots->turns, index);
    slots->is_used[index] = false;
}

struct coh_slot *
coh_slot_map(int fd, unsigned index)
{
    void *memory = mmap(
        NULL, sizeof(struct coh_slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
        (off_t)(index * own_stride()));

    return memory == MAP_FAILED ? NULL : memory;
}

void
coh_slot_unmap(struct coh_slot *slot)
{
    munmap(slot, sizeof(*slot));
}

struct coh_turns_area *
coh_slot_turns_map(int fd, const struct coh_slot *slot)
{
    void *memory = mmap(
        NULL, coh_turns_area_size((unsigned)slot->slot_count),
        PROT_READ | PROT_WRITE, MAP_SHARED, fd,
        (off_t)(slot->slot_count * own_stride()));

    return memory == MAP_FAILED ? NULL : memory;
}

void
coh_slot_turns_unmap(struct coh_turns_area *turns, const struct coh_slot *slot)
{
    munmap(turns, coh_turns_area_size((unsigned)slot->slot_count));
}
