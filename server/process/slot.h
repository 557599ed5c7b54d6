/* The memory that the primary shares with each worker: one slot per living
   worker, reused, on pages of its own, so that a worker can map it alone. */
#ifndef COH_PROCESS_SLOT_H
#define COH_PROCESS_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accept/handoff.h"
#include "server/accept/turns.h"
#include "server/process/pulse.h"

#define COH_SLOT_ALIGN 4096 /* bytes: of the smallest pages that there are */
#define COH_CACHE_LINE 64
#define COH_SLOT_COUNTERS_MAX 512

/*
 * Each part stands on cache lines of its own. The primary reads what a worker
 * wrote but never trusts it: nothing here is an index or a size.
 */
struct coh_slot {
    /* Written by the primary before the worker is forked. */
    uint64_t worker_id;
    uint64_t generation;
    uint64_t slot_count; /* of all slots */

    /* Written by the worker alone: the service's. */
    _Alignas(COH_CACHE_LINE) uint64_t counters[COH_SLOT_COUNTERS_MAX];

    /* Written by the worker alone: that it lives. */
    _Alignas(COH_CACHE_LINE) struct coh_pulse pulse;

    /* Written by both sides, by compare-and-swap. */
    struct coh_handoff_words handoff;
} __attribute__((aligned(COH_SLOT_ALIGN)));

/* All slots, as the primary has them: one sealed memfd. The turns stand behind
   them, and are the one thing that all workers map. */
struct coh_slots {
    int fd;
    unsigned count;
    size_t stride; /* bytes from one to the next: pages may be larger */
    char *memory;  /* NULL: not made yet */
    struct coh_turns_area *turns; /* by slot */
    bool *is_used;
};

/* Make count free slots. 0 or -errno. */
int coh_slots_init(struct coh_slots *slots, unsigned count);
void coh_slots_fini(struct coh_slots *slots);

/* How far apart they stand where pages have so many bytes. */
size_t coh_slot_stride(size_t page_size);

static inline struct coh_slot *
coh_slots_at(const struct coh_slots *slots, unsigned index)
{
    return (struct coh_slot *)(void *)(slots->memory + index * slots->stride);
}

/* Take the lowest free slot, cleared. Its index, or -ENOSPC. */
int coh_slots_take(struct coh_slots *slots);
void coh_slots_give(struct coh_slots *slots, unsigned index);

/* In a worker: map the slot of that index from the memfd (which stays the
   caller's). NULL with errno set on failure. */
struct coh_slot *coh_slot_map(int fd, unsigned index);
void coh_slot_unmap(struct coh_slot *slot);

/* In a worker: map the turns that belong to the slots. NULL with errno set. */
struct coh_turns_area *coh_slot_turns_map(int fd, const struct coh_slot *slot);
void coh_slot_turns_unmap(
    struct coh_turns_area *turns, const struct coh_slot *slot);

#endif
