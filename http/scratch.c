/* Buffers of a process that belong to whatever callback runs. */
#include "http/scratch.h"

#include <stdlib.h>

#include "core/check.h"
#include "core/sanitize.h"

static void *
allocate(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL) {
        coh_die_memory(size);
    }
    return memory;
}

struct coh_scratch *
coh_scratch_new(size_t head_max)
{
    struct coh_scratch *scratch = allocate(sizeof(*scratch));
    struct coh_h1_head *head = &scratch->head;

    scratch->input_room = head_max + COH_RECEIVE_SIZE;
    scratch->input = allocate(scratch->input_room);
    scratch->batch_size = 0;
    scratch->host = (struct coh_host_memo){.server = NULL};
    scratch->request = (struct coh_request_memo){.head_number = 0};
    scratch->location = (struct coh_location_memo){.head_number = 0};
    scratch->tail.size = 0;
    *head = (struct coh_h1_head){
        .slots = scratch->slots,
        .slot_count = COH_SLOT_COUNT,
        .line_room_size = 2 * scratch->input_room,
    };
    head->line_room = allocate(head->line_room_size);
    coh_scratch_shut(scratch);
    return scratch;
}

void
coh_scratch_free(struct coh_scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    coh_scratch_open(scratch);
    free(scratch->head.line_room);
    free(scratch->input);
    free(scratch);
}

void
coh_scratch_open(struct coh_scratch *scratch)
{
    coh_unpoison(scratch->input, scratch->input_room);
    coh_unpoison(scratch->head.line_room, scratch->head.line_room_size);
    coh_unpoison(scratch->slots, sizeof(scratch->slots));
    coh_unpoison(scratch->batch, sizeof(scratch->batch));
    scratch->input_at = 0;
    scratch->input_end = 0;
    scratch->input_fresh = 0;
    scratch->turn_size = 0;
}

void
coh_scratch_shut(struct coh_scratch *scratch)
{
    coh_poison(scratch->input, scratch->input_room);
    coh_poison(scratch->head.line_room, scratch->head.line_room_size);
    coh_poison(scratch->slots, sizeof(scratch->slots));
    coh_poison(scratch->batch, sizeof(scratch->batch));
}
