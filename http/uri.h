/* The target of a request: its forms, and the path decoded once. */
#ifndef COH_HTTP_URI_H
#define COH_HTTP_URI_H

#include <stdbool.h>
#include <sys/types.h>

#include <cohort/str.h>

/* Parts of a target; all point into it, or are constants. */
struct coh_target {
    struct cohort_str authority; /* of the absolute form */
    struct cohort_str sent;      /* path and arguments as sent */
    struct cohort_str path;      /* "/" if there is none; not decoded */
    struct cohort_str args;      /* behind "?"; without a fragment */
    bool has_authority;
    bool is_plain; /* path is normal as it stands: nothing to decode, to merge
                      or to climb */
};

/*
 * Take apart "/path?args", "http://host/path" ("http" and "https").
 *
 * Returns  0, or -EINVAL: neither form, blanks or control characters in it, or
 *          an empty authority.
 */
int coh_target_parse(struct cohort_str text, struct coh_target *target);

/*
 * Decode and normalise a path: percent-escapes once, then "//" (if
 * merge_slashes), "/./" and "/../".
 *
 * raw      Begins with "/".
 * out      Room for raw.size bytes; must not overlap raw.
 * Returns  Bytes written, at least 1; -EINVAL: a broken escape, a NUL, or a
 *          ".." above the root.
 */
ssize_t coh_path_normalise(
    struct cohort_str raw, bool merge_slashes, char *out);

/* Has a path, or a file's name, a segment ".." that begins at from or behind
   it? */
bool coh_path_climbs(struct cohort_str path, size_t from);

#endif
