/* The access_log directive. */
#ifndef COH_HTTP_ACCESS_LOG_H
#define COH_HTTP_ACCESS_LOG_H

#include <cohort/conf.h>

extern struct cohort_module coh_access_log_module;

#endif
