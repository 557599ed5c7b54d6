/* The files that a configuration was read from, each kept once. */
#ifndef COH_CONF_FILES_H
#define COH_CONF_FILES_H

#include <stddef.h>

#include <cohort/str.h>

#include "core/arena.h"

#define COH_CONF_FILE_SIZE_MAX (16 << 20) /* bytes */

struct coh_conf_file; /* of conf/apply.h */

struct coh_files {
    struct coh_arena *arena;
    struct coh_file_entry *by_path;
    size_t count;
};

void coh_files_init(struct coh_files *files, struct coh_arena *arena);

/* Gives back the index; what was read stays in the arena. */
void coh_files_fini(struct coh_files *files);

/*
 * The content of the file at path, read now or remembered.
 *
 * path     NUL-terminated, lives as long as the arena.
 * Returns  0; -EFBIG above COH_CONF_FILE_SIZE_MAX; -errno.
 */
int coh_files_read(
    struct coh_files *files, const char *path, struct cohort_str *content);

/* All of them, in the order of reading, in the arena. */
struct coh_conf_file *coh_files_list(const struct coh_files *files);

#endif
