/* The listen directive. */
#ifndef COH_HTTP_LISTEN_H
#define COH_HTTP_LISTEN_H

#include <cohort/conf.h>

extern struct cohort_module coh_listen_module;

#endif
