/* root and alias. */
#ifndef COH_HTTP_FILE_NAME_H
#define COH_HTTP_FILE_NAME_H

#include <cohort/cohort.h>
#include <cohort/http.h>

extern struct cohort_module coh_file_name_module;

/* What files may come from: a folder, or with alias a single file. */
struct coh_file_folder {
    struct cohort_str path; /* what stands before any variable */
    struct coh_file_folder *next;
};

/* The folder that the names of the request's files begin with. */
struct cohort_str coh_file_folder(struct cohort_request *request);

/* Tell who watches over workers that they read there. */
void coh_file_folders_load(
    const struct coh_file_folder *folders, struct cohort_load *load);

#endif
