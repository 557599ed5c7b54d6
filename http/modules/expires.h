/* expires: how long clients may keep a response. */
#ifndef COH_HTTP_MODULES_EXPIRES_H
#define COH_HTTP_MODULES_EXPIRES_H

#include <cohort/conf.h>

extern struct cohort_module coh_expires_module;

#endif
