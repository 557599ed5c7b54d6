/* The template: holds one loaded generation and forks its workers. */
#ifndef COH_PROCESS_TEMPLATE_H
#define COH_PROCESS_TEMPLATE_H

#include <stdint.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include "server/command_line.h"

/* In the environment of a program that is executed as a template:
   "CHANNEL:GENERATION:PRIMARY", all decimal. */
#define COH_TEMPLATE_ENVIRONMENT "COHORT_TEMPLATE"

/* What a template is given by the primary that made it. */
struct coh_template_birth {
    const struct coh_options *options;
    const struct cohort_service *service;
    int channel;
    uint64_t generation;
    pid_t primary;
};

/*
 * Load, tell the primary what is needed, then fork a worker whenever asked,
 * until the channel ends. Returns in the template, and in each worker when it
 * has ended, with the exit status.
 */
int coh_template_run(const struct coh_template_birth *birth);

#endif
