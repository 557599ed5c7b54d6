/* internal: locations for internal redirects alone. */
#ifndef COH_HTTP_MODULES_INTERNAL_H
#define COH_HTTP_MODULES_INTERNAL_H

#include <cohort/conf.h>

extern struct cohort_module coh_internal_module;

#endif
