/* return: end a request with a status, a text or a redirect. */
#ifndef COH_HTTP_MODULES_RETURN_H
#define COH_HTTP_MODULES_RETURN_H

#include <cohort/conf.h>

extern struct cohort_module coh_return_module;

#endif
