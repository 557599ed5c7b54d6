/* Words with the address sanitizer: memory that must not be touched now. */
#ifndef COH_CORE_SANITIZE_H
#define COH_CORE_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define COH_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COH_HAS_ASAN 1
#endif
#endif

#ifdef COH_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* A sanitizer that reports crashes itself. */
#if defined(COH_HAS_ASAN) || defined(__SANITIZE_THREAD__)
#define COH_IS_SANITIZED 1
#else
#define COH_IS_SANITIZED 0
#endif

/* Any access until coh_unpoison is reported. Does nothing in other builds. */
static inline void
coh_poison(const void *memory, size_t size)
{
#ifdef COH_HAS_ASAN
    /* gcc takes the function for one that reads, and would warn of memory that
       nobody has written yet, if it saw which one it is. */
    const void *volatile region = memory;

    __asan_poison_memory_region(region, size);
#else
    (void)memory;
    (void)size;
#endif
}

static inline void
coh_unpoison(const void *memory, size_t size)
{
#ifdef COH_HAS_ASAN
    __asan_unpoison_memory_region(memory, size);
#else
    (void)memory;
    (void)size;
#endif
}

#endif
