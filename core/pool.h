/* Buffers of one size, a bounded number of them, reused. One thread. */
#ifndef COH_CORE_POOL_H
#define COH_CORE_POOL_H

#include <stddef.h>

struct coh_pool {
    void *free_list;
    size_t item_size;
    size_t used;     /* handed out now */
    size_t idle;     /* kept for reuse */
    size_t idle_max; /* more than these go back to the system */
    size_t max;      /* never more than these handed out; 0: no limit */
};

/* item_size in bytes, at least a pointer's. */
void coh_pool_init(
    struct coh_pool *pool, size_t item_size, size_t idle_max, size_t max);
void coh_pool_fini(struct coh_pool *pool);

/* Not zeroed. NULL when max are handed out, or without memory. */
void *coh_pool_take(struct coh_pool *pool);
void coh_pool_give(struct coh_pool *pool, void *item);

#endif
