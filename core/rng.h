/* Random bytes from the kernel. */
#ifndef COH_CORE_RNG_H
#define COH_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fill size bytes; never fails: without a generator the process ends. */
void coh_random_bytes(void *out, size_t size);

uint64_t coh_random_u64(void);

#endif
