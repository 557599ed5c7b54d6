/* Addresses in directives of the process engine. */
#ifndef COH_PROCESS_CONF_ADDRESS_H
#define COH_PROCESS_CONF_ADDRESS_H

#include <cohort/conf.h>

#include "core/addr.h"

/*
 * Read the directive's first argument as a listening address; a relative path
 * starts at the prefix, as all others.
 *
 * kind          What errors call it: "admin address".
 * default_port  Of an address that names none.
 * Returns       0; the result of cohort_conf_error_at(), which has said why.
 */
int coh_conf_address(
    struct cohort_conf *conf, const char *kind, uint16_t default_port,
    struct coh_addr *address);

#endif
