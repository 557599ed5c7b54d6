/* Bytes that were received and wait until they can be read. */
#ifndef COH_HTTP_HELD_H
#define COH_HTTP_HELD_H

#include <stddef.h>

#include <cohort/str.h>

struct coh_held {
    size_t size;
    size_t room;
    char data[];
};

/* Keep a copy of bytes in *held, in place of what was there; nothing: give the
   memory back. bytes must not point into *held. */
void coh_held_set(struct coh_held **held, struct cohort_str bytes);

static inline size_t
coh_held_size(const struct coh_held *held)
{
    return held == NULL ? 0 : held->size;
}

#endif
