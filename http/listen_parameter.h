/* The parameters of listen. */
#ifndef COH_HTTP_LISTEN_PARAMETER_H
#define COH_HTTP_LISTEN_PARAMETER_H

#include <stdbool.h>

#include <cohort/cohort.h>

/* What the parameters of one listen say. */
struct coh_listen {
    struct cohort_listen_options options;
    bool has_options;  /* some of options was given */
    bool has_ipv6only; /* that one was */
    bool is_default;
};

/* Read the directive's argument of that index. 0, or -errno after it was
   told. */
int coh_listen_read_parameter(
    struct cohort_conf *conf, size_t arg, struct coh_listen *listen);

#endif
