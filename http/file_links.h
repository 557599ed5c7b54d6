/* disable_symlinks and confine. */
#ifndef COH_HTTP_FILE_LINKS_H
#define COH_HTTP_FILE_LINKS_H

#include <cohort/cohort.h>
#include <cohort/http.h>

struct coh_file_way;

extern struct cohort_module coh_file_links_module;

/*
 * The way to a file as the request's location allows it.
 *
 * name     NUL-terminated; lives as long as the way is used.
 * Returns  0; -EXDEV: the location is confined and name is not of its root;
 *          -ENAMETOOLONG.
 */
int coh_file_way(
    struct cohort_request *request, struct cohort_str name,
    struct coh_file_way *way);

#endif
