/* Memory that is taken piece by piece and given back all at once. */
#include "core/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/sanitize.h"

#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next; /* older ones */
    size_t size;        /* of data */
    size_t used;
    _Alignas(max_align_t) char data[];
};

struct deferred {
    struct deferred *next;
    void (*call)(void *object);
    void *object;
};

/* Lives at the start of its first block: an arena that stays small is one
   allocation. */
struct coh_arena {
    struct block *first;
    struct block *current; /* where pieces come from; then older ones */
    struct block *big;     /* of one big piece each */
    struct deferred *deferred;
};

static size_t
round_up(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static struct block *
block_new(size_t size)
{
    struct block *block;

    block = size > SIZE_MAX / 2 ? NULL : malloc(sizeof(*block) + size);
    if (block == NULL) {
        coh_die_memory(size);
    }
    block->next = NULL;
    block->size = size;
    block->used = 0;
    coh_poison(block->data, size);
    return block;
}

/* The caller has seen that it fits. Only what was asked for may be touched. */
static void *
block_take(struct block *block, size_t size)
{
    void *piece = block->data + block->used;

    block->used += round_up(size);
    coh_unpoison(piece, size);
    return piece;
}

static void
block_free(struct block *block)
{
    coh_unpoison(block->data, block->size);
    free(block);
}

struct coh_arena *
coh_arena_new(size_t block_size)
{
    struct coh_arena *arena;
    struct block *block;

    block = block_new(round_up(sizeof(*arena)) + round_up(block_size));
    arena = block_take(block, sizeof(*arena));
    arena->first = block;
    arena->current = block;
    arena->big = NULL;
    arena->deferred = NULL;
    return arena;
}

/* A deferred call may still use the arena, and even defer another. */
static void
run_deferred(struct coh_arena *arena)
{
    while (arena->deferred != NULL) {
        struct deferred *deferred = arena->deferred;

        arena->deferred = deferred->next;
        deferred->call(deferred->object);
    }
}

static void
free_blocks(struct block *block, const struct block *end)
{
    while (block != end) {
        struct block *next = block->next;

        block_free(block);
        block = next;
    }
}

void
coh_arena_free(struct coh_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    run_deferred(arena);
    free_blocks(arena->big, NULL);
    free_blocks(arena->current, NULL);
}

void
coh_arena_reset(struct coh_arena *arena)
{
    struct block *first = arena->first;

    run_deferred(arena);
    free_blocks(arena->big, NULL);
    free_blocks(arena->current, first);
    arena->big = NULL;
    first->used = round_up(sizeof(*arena));
    coh_poison(first->data + first->used, first->size - first->used);
    arena->current = first;
}

/* The current block is full. A big piece gets a block of its own, so that the
   rest of the current one is not lost. */
static void *
alloc_in_new_block(struct coh_arena *arena, size_t size)
{
    size_t usual = arena->first->size;
    bool is_big = size > usual / 4;
    struct block **list = is_big ? &arena->big : &arena->current;
    struct block *block = block_new(is_big ? round_up(size) : usual);

    block->next = *list;
    *list = block;
    return block_take(block, size);
}

static void *
alloc_unset(struct coh_arena *arena, size_t size)
{
    struct block *block = arena->current;

    if (size > SIZE_MAX / 2) {
        coh_die_memory(size);
    }
    if (round_up(size) <= block->size - block->used) {
        return block_take(block, size);
    }
    return alloc_in_new_block(arena, size);
}

void *
coh_arena_alloc(struct coh_arena *arena, size_t size)
{
    return memset(alloc_unset(arena, size), 0, size);
}

void *
coh_arena_copy(struct coh_arena *arena, const void *data, size_t size)
{
    void *copy = alloc_unset(arena, size);

    return size == 0 ? copy : memcpy(copy, data, size);
}

struct cohort_str
coh_arena_str(struct coh_arena *arena, struct cohort_str str)
{
    char *copy = alloc_unset(arena, str.size + 1);

    if (str.size > 0) {
        memcpy(copy, str.data, str.size);
    }
    copy[str.size] = '\0';
    return cohort_str_n(copy, str.size);
}

char *
coh_arena_strdup(struct coh_arena *arena, const char *text)
{
    return coh_arena_copy(arena, text, strlen(text) + 1);
}

char *
coh_arena_vprintf(
    struct coh_arena *arena, const char *format, va_list arguments)
{
    va_list again;
    char *text;
    int size;

    va_copy(again, arguments);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    COH_CHECK(size >= 0);
    text = alloc_unset(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    return text;
}

char *
coh_arena_printf(struct coh_arena *arena, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = coh_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

void
coh_arena_defer(struct coh_arena *arena, void (*call)(void *), void *object)
{
    struct deferred *deferred = alloc_unset(arena, sizeof(*deferred));

    deferred->call = call;
    deferred->object = object;
    deferred->next = arena->deferred;
    arena->deferred = deferred;
}
