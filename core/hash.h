/* A hash keyed at start, so that clients cannot choose what collides. Include
   it before <uthash.h>: it sets uthash's function. */
#ifndef COH_CORE_HASH_H
#define COH_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Fill the process's key from the kernel's generator. Call once, before the
   first hash; children inherit it. */
void coh_hash_init(void);

/* SipHash-1-3 of size bytes with the process's key. */
uint64_t coh_hash(const void *data, size_t size);

/* The same with a key of one's own, for what several starts must agree on. */
uint64_t coh_hash_keyed(const uint64_t key[2], const void *data, size_t size);

#define HASH_FUNCTION(key, size, value)                                        \
    do {                                                                       \
        (value) = (unsigned)coh_hash((key), (size));                           \
    } while (0)

#endif
