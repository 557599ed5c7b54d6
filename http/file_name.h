/* root and alias. */
#ifndef COH_HTTP_FILE_NAME_H
#define COH_HTTP_FILE_NAME_H

#include <cohort/conf.h>

extern struct cohort_module coh_file_name_module;

#endif
