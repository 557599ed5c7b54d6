/* Buffers of one size, a bounded number of them, reused. */
#include "core/pool.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/sanitize.h"

/* An idle item's first bytes are the way to the next one. */
struct idle_item {
    struct idle_item *next;
};

void
coh_pool_init(
    struct coh_pool *pool, size_t item_size, size_t idle_max, size_t max)
{
    COH_CHECK(item_size >= sizeof(struct idle_item));
    memset(pool, 0, sizeof(*pool));
    pool->item_size = item_size;
    pool->idle_max = idle_max;
    pool->max = max;
}

static void *
take_idle(struct coh_pool *pool)
{
    struct idle_item *item = pool->free_list;

    coh_unpoison(item, pool->item_size);
    pool->free_list = item->next;
    pool->idle--;
    return item;
}

void
coh_pool_fini(struct coh_pool *pool)
{
    while (pool->free_list != NULL) {
        free(take_idle(pool));
    }
}

void *
coh_pool_take(struct coh_pool *pool)
{
    void *item;

    if (pool->max != 0 && pool->used >= pool->max) {
        return NULL;
    }
    item = pool->free_list != NULL ? take_idle(pool) : malloc(pool->item_size);
    if (item != NULL) {
        pool->used++;
    }
    return item;
}

void
coh_pool_give(struct coh_pool *pool, void *item)
{
    struct idle_item *idle = item;

    pool->used--;
    if (pool->idle >= pool->idle_max) {
        free(item);
        return;
    }
    idle->next = pool->free_list;
    pool->free_list = idle;
    pool->idle++;
    /* Not the way to the next one: a leak checker would not find it. */
    coh_poison(idle + 1, pool->item_size - sizeof(*idle));
}
