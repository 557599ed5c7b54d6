/* root and alias, and the handler that answers with files. */
#ifndef COH_HTTP_MODULES_STATIC_H
#define COH_HTTP_MODULES_STATIC_H

#include <cohort/conf.h>

extern struct cohort_module coh_static_module;

#endif
