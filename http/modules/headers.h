/* add_header: fields added to responses. */
#ifndef COH_HTTP_MODULES_HEADERS_H
#define COH_HTTP_MODULES_HEADERS_H

#include <cohort/conf.h>

extern struct cohort_module coh_headers_module;

#endif
