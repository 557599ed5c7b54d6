/* Numbers that are given once and never again, whichever of two primaries gives
   them: both count in the same memory, and an upgrade hands it on. */
#ifndef COH_PRIMARY_NUMBERS_H
#define COH_PRIMARY_NUMBERS_H

#include <stdatomic.h>
#include <stdint.h>

/* The last ones given. Grows at its end only: a newer binary may count in the
   memory of an older one. */
struct coh_number_words {
    _Atomic uint64_t worker;
    _Atomic uint64_t generation;
    _Atomic uint64_t event;
    uint64_t reserved[5];
};

struct coh_numbers {
    int fd; /* a memory file; -1: none */
    struct coh_number_words *words;
};

/* From 1 on. 0 or -errno. */
int coh_numbers_init(struct coh_numbers *numbers);

/* Go on where others are. fd is taken over, also on failure. 0 or -errno. */
int coh_numbers_adopt(struct coh_numbers *numbers, int fd);

void coh_numbers_fini(struct coh_numbers *numbers);

/* The next one. */
static inline uint64_t
coh_number_take(_Atomic uint64_t *last)
{
    return atomic_fetch_add(last, 1) + 1;
}

#endif
