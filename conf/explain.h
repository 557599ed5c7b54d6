/* What the directive tables know, as text: -h DIRECTIVE, "did you mean", the
   manual page. */
#ifndef COH_CONF_EXPLAIN_H
#define COH_CONF_EXPLAIN_H

#include <stdio.h>

#include <cohort/conf.h>

/* Everything about one directive (all its rows), or -ENOENT after printing the
   nearest names. */
int coh_conf_explain(
    FILE *out, struct cohort_module *const *modules, const char *name);

/* One line per directive, by module. */
void coh_conf_explain_all(FILE *out, struct cohort_module *const *modules);

/* cohort.conf(5) in mdoc: the language's section is written by hand in
   man/cohort.conf.5.in; this prints the directives' part. */
void coh_conf_explain_mdoc(FILE *out, struct cohort_module *const *modules);

#endif
