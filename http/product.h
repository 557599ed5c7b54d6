/* What the server calls itself. */
#ifndef COH_HTTP_PRODUCT_H
#define COH_HTTP_PRODUCT_H

#include <cohort/str.h>

/* For the Server field and the built-in pages, as server_tokens (enum
   coh_server_tokens) has it: "cohort/1.2.3". NUL-terminated. */
struct cohort_str coh_product(int server_tokens);

/* "1.2.3", and nginx's version that the configuration language follows. */
struct cohort_str coh_product_version(void);
struct cohort_str coh_nginx_version(void);

#endif
