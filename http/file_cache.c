/* Files that were served lately, by the key of their way (http/file_open.h). An
   entry is believed for a second, then looked at again; what has changed is
   opened anew under the same key, while those who hold the old one go on with
   it. What nobody has asked for in a minute goes: its file may have been
   deleted, and would keep its blocks of the disk. */
#include "http/file_cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/check.h"
#include "core/event.h"
#include "core/hash.h"
#include "http/file_open.h"

#include <uthash.h>

#define VALID_MS 1000
/* What was not asked for in this time goes, the next time that it is looked
   for. */
#define UNUSED_MS 60000
#define AGE_MS 10000
#define ENTRIES_MAX 1024
#define BYTES_MAX (16 << 20)
/* Of the descriptors that the process may have. */
#define DESCRIPTORS_SHARE 8
/* So long after there was none left it takes no more than half of what it had
   then. */
#define SHORT_MS 10000

struct entry {
    struct coh_file file;         /* first: what others hold is the entry */
    struct coh_file_cache *cache; /* NULL: no longer in it */
    TAILQ_ENTRY(entry) link;      /* of all in it, the last used first */
    UT_hash_handle hh;
    unsigned users;
    uint64_t checked_ms;
    dev_t device;
    ino_t inode;
    size_t cost;             /* bytes of memory */
    struct coh_file_way way; /* its name is in key */
    size_t key_size;
    char key[];
};

TAILQ_HEAD(entry_list, entry);

struct coh_file_cache {
    struct coh_loop *loop;
    struct event age; /* comes while there are entries */
    struct entry *by_key;
    struct entry_list entries;
    size_t entry_count;
    size_t descriptor_count;
    size_t descriptor_max;
    uint64_t short_ms; /* when there was no descriptor left; 0: not lately */
    size_t bytes;
};

/* --- entries -------------------------------------------------------------- */

static void
free_entry(struct entry *entry)
{
    if (entry->file.fd >= 0) {
        close(entry->file.fd);
    }
    coh_arena_free(entry->file.rendered_in);
    free((void *)(uintptr_t)entry->file.bytes);
    free(entry);
}

void
coh_file_hold(struct coh_file *file)
{
    ((struct entry *)(void *)file)->users++;
}

void
coh_file_release(void *file)
{
    struct entry *entry = file;

    entry->users--;
    if (entry->users == 0 && !entry->cache) {
        free_entry(entry);
    }
}

static void
take_out(struct entry *entry)
{
    struct coh_file_cache *cache = entry->cache;

    HASH_DEL(cache->by_key, entry);
    TAILQ_REMOVE(&cache->entries, entry, link);
    cache->entry_count--;
    cache->descriptor_count -= entry->file.fd >= 0;
    cache->bytes -= entry->cost;
    entry->cache = NULL;
    if (entry->users == 0) {
        free_entry(entry);
    }
}

static void
put_in(struct coh_file_cache *cache, struct entry *entry)
{
    if (cache->entry_count == 0) {
        coh_event_add_ms(&cache->age, AGE_MS);
    }
    entry->cache = cache;
    HASH_ADD_KEYPTR(hh, cache->by_key, entry->key, entry->key_size, entry);
    TAILQ_INSERT_HEAD(&cache->entries, entry, link);
    cache->entry_count++;
    cache->descriptor_count += entry->file.fd >= 0;
    cache->bytes += entry->cost;
}

static bool
is_over(const struct coh_file_cache *cache)
{
    return cache->entry_count > ENTRIES_MAX || cache->bytes > BYTES_MAX ||
        cache->descriptor_count > cache->descriptor_max;
}

/* The longest unused go first. One that is in use gives its descriptor back
   later, which is bounded by the number of connections. */
static void
shrink(struct coh_file_cache *cache)
{
    while (is_over(cache)) {
        take_out(TAILQ_LAST(&cache->entries, entry_list));
    }
}

/* --- opening -------------------------------------------------------------- */

/* All of a small file; NULL if it is not what its size said. */
static char *
read_all(int fd, size_t size)
{
    char *bytes = malloc(size + 1);
    size_t got = 0;

    if (!bytes) {
        coh_die_memory(size + 1);
    }
    while (got < size) {
        ssize_t part = pread(fd, bytes + got, size - got, (off_t)got);

        if (part <= 0) {
            free(bytes);
            return NULL;
        }
        got += (size_t)part;
    }
    return bytes;
}

static struct entry *
new_entry(const struct coh_file_way *way, struct cohort_str key)
{
    struct entry *entry = calloc(1, sizeof(*entry) + key.size + 1);

    if (!entry) {
        coh_die_memory(sizeof(*entry) + key.size + 1);
    }
    memcpy(entry->key, key.data, key.size);
    entry->key_size = key.size;
    entry->way = *way;
    entry->way.name.data = entry->key;
    return entry;
}

static int
open_entry(
    struct coh_file_cache *cache, const struct coh_file_way *way,
    struct cohort_str key, struct entry **result)
{
    struct stat status;
    struct entry *entry;
    int fd = coh_file_open(way, &status);

    if (fd < 0) {
        return fd;
    }
    entry = new_entry(way, key);
    entry->file.fd = fd;
    entry->file.size = (uint64_t)status.st_size;
    entry->file.mtime = status.st_mtim;
    entry->device = status.st_dev;
    entry->inode = status.st_ino;
    entry->checked_ms = coh_loop_now_ms(cache->loop);
    entry->cost = sizeof(*entry) + key.size;
    if (entry->file.size <= COH_FILE_BYTES_MAX) {
        entry->file.bytes = read_all(fd, entry->file.size);
    }
    if (entry->file.bytes) {
        close(fd);
        entry->file.fd = -1;
        /* The answer rendered with them is about as large again. */
        entry->cost += 2 * entry->file.size;
    }
    *result = entry;
    return 0;
}

/* --- the cache ------------------------------------------------------------ */

static size_t
descriptor_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur > ENTRIES_MAX * DESCRIPTORS_SHARE) {
        return ENTRIES_MAX;
    }
    return (size_t)limit.rlim_cur / DESCRIPTORS_SHARE;
}

/* By when it was checked, which is VALID_MS at most before it was asked for
   last. */
void
coh_file_cache_age(struct coh_file_cache *cache)
{
    uint64_t now_ms = coh_loop_now_ms(cache->loop);
    struct entry *last = TAILQ_LAST(&cache->entries, entry_list);

    while (last && now_ms - last->checked_ms >= UNUSED_MS) {
        take_out(last);
        last = TAILQ_LAST(&cache->entries, entry_list);
    }
}

static void
on_age(evutil_socket_t fd, short what, void *user)
{
    struct coh_file_cache *cache = user;

    (void)fd;
    (void)what;
    coh_loop_update(cache->loop);
    coh_file_cache_age(cache);
    if (!TAILQ_EMPTY(&cache->entries)) {
        coh_event_add_ms(&cache->age, AGE_MS);
    }
}

struct coh_file_cache *
coh_file_cache_new(struct coh_loop *loop)
{
    struct coh_file_cache *cache = calloc(1, sizeof(*cache));

    if (!cache) {
        coh_die_memory(sizeof(*cache));
    }
    cache->loop = loop;
    event_assign(&cache->age, loop->base, -1, 0, on_age, cache);
    cache->descriptor_max = descriptor_max();
    TAILQ_INIT(&cache->entries);
    return cache;
}

void
coh_file_cache_free(struct coh_file_cache *cache)
{
    if (!cache) {
        return;
    }
    while (!TAILQ_EMPTY(&cache->entries)) {
        take_out(TAILQ_FIRST(&cache->entries));
    }
    event_del(&cache->age);
    free(cache);
}

static bool
is_unchanged(const struct entry *entry)
{
    struct stat status;

    return coh_file_stat(&entry->way, &status) == 0 &&
        status.st_dev == entry->device && status.st_ino == entry->inode &&
        (uint64_t)status.st_size == entry->file.size &&
        status.st_mtim.tv_sec == entry->file.mtime.tv_sec &&
        status.st_mtim.tv_nsec == entry->file.mtime.tv_nsec;
}

/* The entry of a key, if it is still true. */
static struct entry *
find_entry(struct coh_file_cache *cache, struct cohort_str key)
{
    struct entry *entry;

    HASH_FIND(hh, cache->by_key, key.data, key.size, entry);
    if (!entry) {
        return NULL;
    }
    if (coh_loop_now_ms(cache->loop) - entry->checked_ms >= VALID_MS) {
        if (!is_unchanged(entry)) {
            take_out(entry);
            return NULL;
        }
        entry->checked_ms = coh_loop_now_ms(cache->loop);
    }
    if (entry != TAILQ_FIRST(&cache->entries)) {
        TAILQ_REMOVE(&cache->entries, entry, link);
        TAILQ_INSERT_HEAD(&cache->entries, entry, link);
    }
    return entry;
}

/* There is no descriptor left: others need them more. */
static void
give_up_half(struct coh_file_cache *cache)
{
    cache->descriptor_max = cache->descriptor_count / 2;
    cache->short_ms = coh_loop_now_ms(cache->loop);
    shrink(cache);
}

static void
take_again(struct coh_file_cache *cache)
{
    if (cache->short_ms > 0 &&
        coh_loop_now_ms(cache->loop) - cache->short_ms >= SHORT_MS) {
        cache->descriptor_max = descriptor_max();
        cache->short_ms = 0;
    }
}

int
coh_file_cache_open(
    struct coh_file_cache *cache, const struct coh_file_way *way,
    struct coh_file **file)
{
    char room[COH_FILE_KEY_MAX];
    struct cohort_str key = coh_file_way_key(way, room);
    struct entry *entry = find_entry(cache, key);

    if (!entry) {
        int result;

        take_again(cache);
        result = open_entry(cache, way, key, &entry);
        if ((result == -EMFILE || result == -ENFILE) &&
            cache->descriptor_count > 0) {
            give_up_half(cache);
            result = open_entry(cache, way, key, &entry);
        }
        if (result < 0) {
            return result;
        }
        entry->users++; /* before shrink, which must not free it */
        put_in(cache, entry);
        shrink(cache);
    } else {
        entry->users++;
    }
    *file = &entry->file;
    return 0;
}
