/* What the server calls itself. */
#include "http/product.h"

#include "config.h"
#include "core/str.h"
#include "http/settings.h"

struct cohort_str
coh_product(int server_tokens)
{
    switch (server_tokens) {
    case COH_TOKENS_OFF:
        return COH_STR("cohort");
    case COH_TOKENS_BUILD:
        return COH_STR("cohort/" COHORT_VERSION " (" COHORT_COMPILER ")");
    default:
        return COH_STR("cohort/" COHORT_VERSION);
    }
}

struct cohort_str
coh_product_version(void)
{
    return COH_STR(COHORT_VERSION);
}

struct cohort_str
coh_nginx_version(void)
{
    return COH_STR("1.29.0");
}
