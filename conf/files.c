/* Reads configuration files and remembers them by their path. */
#include "conf/files.h"

#include <string.h>

#include "conf/apply.h"
#include "core/hash.h"
#include "core/path.h"

#include <uthash.h>

struct coh_file_entry {
    struct coh_conf_file file;
    UT_hash_handle hh;
};

void
coh_files_init(struct coh_files *files, struct coh_arena *arena)
{
    *files = (struct coh_files){.arena = arena};
}

void
coh_files_fini(struct coh_files *files)
{
    HASH_CLEAR(hh, files->by_path);
}

int
coh_files_read(
    struct coh_files *files, const char *path, struct cohort_str *content)
{
    struct coh_file_entry *entry;
    int result;

    HASH_FIND_STR(files->by_path, path, entry);
    if (entry != NULL) {
        *content = entry->file.content;
        return 0;
    }
    result = coh_path_read(files->arena, path, COH_CONF_FILE_SIZE_MAX, content);
    if (result < 0) {
        return result;
    }
    entry = coh_arena_alloc(files->arena, sizeof(*entry));
    entry->file.path = path;
    entry->file.content = *content;
    HASH_ADD_KEYPTR(hh, files->by_path, path, strlen(path), entry);
    files->count++;
    return 0;
}

struct coh_conf_file *
coh_files_list(const struct coh_files *files)
{
    struct coh_conf_file *list =
        coh_arena_alloc(files->arena, files->count * sizeof(*list));
    struct coh_file_entry *entry;
    struct coh_file_entry *next;
    size_t i = 0;

    /* uthash keeps the order in which entries were added. */
    HASH_ITER (hh, files->by_path, entry, next) {
        list[i++] = entry->file;
    }
    return list;
}
