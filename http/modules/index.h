/* index: the file that stands for a directory. */
#ifndef COH_HTTP_MODULES_INDEX_H
#define COH_HTTP_MODULES_INDEX_H

#include <cohort/conf.h>

extern struct cohort_module coh_index_module;

#endif
