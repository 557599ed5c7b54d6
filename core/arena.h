/* Memory that is taken piece by piece and given back all at once. */
#ifndef COH_CORE_ARENA_H
#define COH_CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include <cohort/str.h>

struct coh_arena;

/* An arena that grows by blocks of block_size bytes. Never NULL: out of memory
   ends the process (the primary replaces a worker). */
struct coh_arena *coh_arena_new(size_t block_size);

/* Run the deferred calls, last first, and give everything back. NULL is
   fine. */
void coh_arena_free(struct coh_arena *arena);

/* The same, but keep the first block for the next use. */
void coh_arena_reset(struct coh_arena *arena);

/* Zeroed, aligned for any type, valid until the arena is freed or reset. */
void *coh_arena_alloc(struct coh_arena *arena, size_t size);

/* A copy of size bytes. */
void *coh_arena_copy(struct coh_arena *arena, const void *data, size_t size);

/* A copy with a NUL behind it (not counted in size). */
struct cohort_str coh_arena_str(struct coh_arena *arena, struct cohort_str str);

/* The same from a C string. */
char *coh_arena_strdup(struct coh_arena *arena, const char *text);

char *coh_arena_printf(struct coh_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

char *coh_arena_vprintf(
    struct coh_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Call call(object) when the arena is freed or reset. */
void coh_arena_defer(
    struct coh_arena *arena, void (*call)(void *object), void *object);

#endif
