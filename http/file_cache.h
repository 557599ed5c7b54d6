/* Files that were served lately, by the way that led to them: what is known of
   them, and the bytes of small ones. One cache per worker. */
#ifndef COH_HTTP_FILE_CACHE_H
#define COH_HTTP_FILE_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct coh_arena;
struct coh_file_cache;
struct coh_file_way;
struct coh_location;
struct coh_loop;
struct coh_rendered;

/* Files up to here are kept in memory, larger ones by descriptor. */
#define COH_FILE_BYTES_MAX 16384

/* A regular file. Stays valid until it is released, also when it is no longer
   in the cache. */
struct coh_file {
    uint64_t size;
    struct timespec mtime;
    int fd;            /* -1: all of it is in bytes */
    const char *bytes; /* NULL: by fd */
    /* The whole answer to a plain GET at one location; NULL: not rendered. */
    const struct coh_rendered *rendered;
    const struct coh_location *rendered_for;
    struct coh_arena *rendered_in;
};

/* Of the process that runs the loop. Never NULL. */
struct coh_file_cache *coh_file_cache_new(struct coh_loop *loop);

/* Give everything back; what is still in use, when it is released. */
void coh_file_cache_free(struct coh_file_cache *cache);

/*
 * Find or open a regular file.
 *
 * way      Copied.
 * file     Out; to be given back by coh_file_release().
 * Returns  0; what coh_file_open() has.
 */
int coh_file_cache_open(
    struct coh_file_cache *cache, const struct coh_file_way *way,
    struct coh_file **file);

/* Let go of what nobody has asked for in the last minute; the loop does it now
   and then. */
void coh_file_cache_age(struct coh_file_cache *cache);

/* One more holder: one more coh_file_release(). */
void coh_file_hold(struct coh_file *file);

/* A struct coh_file; the type is that of a release callback. */
void coh_file_release(void *file);

#endif
