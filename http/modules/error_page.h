/* error_page: what clients see of an error. */
#ifndef COH_HTTP_MODULES_ERROR_PAGE_H
#define COH_HTTP_MODULES_ERROR_PAGE_H

#include <cohort/conf.h>

extern struct cohort_module coh_error_page_module;

#endif
