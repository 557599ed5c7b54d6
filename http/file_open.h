/* Opening files, and what links on the way to them may do. */
#ifndef COH_HTTP_FILE_OPEN_H
#define COH_HTTP_FILE_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cohort/module/file.h>
#include <cohort/str.h>

/* disable_symlinks. */
enum coh_file_links {
    COH_LINKS_FOLLOWED,
    COH_LINKS_OF_OWNER, /* whose owner owns what they lead to */
    COH_LINKS_REFUSED,
};

/* The way to a file. With name alone (the rest zero) all links are followed. */
struct coh_file_way {
    struct cohort_str name; /* NUL-terminated, below COHORT_FILE_NAME_MAX */
    enum coh_file_links links;
    size_t trusted_size; /* so much of name may have links all the same */
    bool is_confined;    /* nothing that is opened is outside of its root, */
    size_t root_size;    /* which is so much of name */
};

static inline bool
coh_file_way_is_free(const struct coh_file_way *way)
{
    return way->links == COH_LINKS_FOLLOWED && !way->is_confined;
}

/* Bytes of the longest key of a way. */
#define COH_FILE_KEY_MAX (COHORT_FILE_NAME_MAX + 12)

/*
 * What tells a way from all others: what one location may not open, another one
 * perhaps may, and each opens for itself.
 *
 * room     COH_FILE_KEY_MAX bytes, as long as the key is used.
 * Returns  Bytes that begin with the name and a NUL behind it.
 */
struct cohort_str coh_file_way_key(const struct coh_file_way *way, char *room);

/*
 * Open a regular file for reading; never waits for one that is not.
 *
 * status   Out.
 * Returns  A descriptor; -EISDIR; -EINVAL (neither file nor directory); -errno
 *          of open, and that of coh_file_walk() for what links may not.
 */
int coh_file_open(const struct coh_file_way *way, struct stat *status);

/* What is there, by the same way: 0 or -errno. */
int coh_file_stat(const struct coh_file_way *way, struct stat *status);

#endif
