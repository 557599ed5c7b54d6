/* Does a directive stand where and as its row says? */
#ifndef COH_CONF_USAGE_H
#define COH_CONF_USAGE_H

#include "conf/scope.h"

/* The row for this node in the current block, or, when no row is for this
   block, the first of that name. NULL after telling that there is none. */
const struct coh_directive_entry *coh_usage_find(
    struct cohort_conf *conf, const struct coh_conf_node *node);

/* Context, form and number of arguments. False after telling what is wrong. */
bool coh_usage_check(
    struct cohort_conf *conf, const struct coh_directive_entry *entry,
    const struct coh_conf_node *node);

#endif
