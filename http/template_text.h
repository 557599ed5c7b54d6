/* Texts with variables in them, in parts; <cohort/module/variable.h> has their
   values as a whole. */
#ifndef COH_HTTP_TEMPLATE_TEXT_H
#define COH_HTTP_TEMPLATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/conf.h>

#include "http/variable.h"

/* A constant, or a variable. */
struct coh_text_part {
    struct cohort_str constant;
    const struct coh_variable_use *use; /* NULL: constant */
};

struct cohort_text {
    struct cohort_str constant; /* if no variable is in it; NUL-terminated */
    struct coh_text_part *parts;
    size_t part_count;
    bool is_constant;
};

#endif
