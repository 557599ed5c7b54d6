/* try_files: the first of several files that is there. */
#ifndef COH_HTTP_MODULES_TRY_FILES_H
#define COH_HTTP_MODULES_TRY_FILES_H

#include <cohort/conf.h>

extern struct cohort_module coh_try_files_module;

#endif
