/* Main and events directives of nginx's that have nothing to do here. */
#ifndef COH_PROCESS_NO_EFFECT_H
#define COH_PROCESS_NO_EFFECT_H

#include <cohort/conf.h>

extern struct cohort_module coh_no_effect_module;

#endif
