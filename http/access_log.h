/* The access log: which requests are written where, and how. */
#ifndef COH_HTTP_ACCESS_LOG_H
#define COH_HTTP_ACCESS_LOG_H

#include <cohort/cohort.h>

struct coh_http_block;
struct coh_loop;

/* access_log */
extern struct cohort_module coh_access_log_module;

/* Ask for the files that the block's logs name. 0, or -errno after it was
   told. */
int coh_access_log_load(struct coh_http_block *block, struct cohort_load *load);

/* Begin in a worker; end. */
int coh_access_log_start(
    struct coh_http_block *block, struct coh_loop *loop,
    struct cohort_log *log);
void coh_access_log_stop(struct coh_http_block *block);

/* Write out everything: before files are exchanged, and when a worker drains. */
void coh_access_log_flush(struct coh_http_block *block);

#endif
