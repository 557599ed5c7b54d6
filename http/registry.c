/* What the http context is made of: http {} itself, and the list of modules. */
#include "http/registry.h"

#include "http/access_log.h"
#include "http/address.h"
#include "http/file_links.h"
#include "http/file_name.h"
#include "http/listen.h"
#include "http/location.h"
#include "http/log_format.h"
#include "http/modules/error_page.h"
#include "http/modules/expires.h"
#include "http/modules/handler.h"
#include "http/modules/headers.h"
#include "http/modules/index.h"
#include "http/modules/internal.h"
#include "http/modules/return.h"
#include "http/modules/static.h"
#include "http/modules/try_files.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* In the main context: what was read. */
struct settings {
    struct coh_http_block *block;
};

static int
open_http(struct cohort_conf *conf, void *settings)
{
    struct settings *main_settings = settings;

    main_settings->block =
        cohort_conf_alloc(conf, sizeof(*main_settings->block));
    cohort_conf_set_object(conf, main_settings->block);
    return 0;
}

static int
close_http(struct cohort_conf *conf, const void *settings)
{
    (void)settings;
    coh_address_finish(conf, cohort_conf_object(conf, COHORT_IN_HTTP));
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "http",
        .usage = "{ ... }",
        .help = "The HTTP service: its servers, and what holds for all of "
                "them.",
        .where = COHORT_IN_MAIN,
        .args = {0, 0},
        .kind = COHORT_KIND_ONCE,
        .read_at = COHORT_READ_LOAD,
        .field = COHORT_FIELD(struct settings, block),
        .block = COHORT_IN_HTTP,
        .set = open_http,
        .close = close_http,
    },
    {.name = NULL},
};

static struct cohort_module http_module = {
    .api = COHORT_MODULE_API,
    .name = "http",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_MAIN,
};

struct coh_http_block *
coh_http_block(void *const *settings)
{
    return ((const struct settings *)settings[http_module.index])->block;
}

/* The order is that of the hooks within a phase, and that in which header
   filters run. Of the handlers in the content phase, the first that has
   something to say answers. */
struct cohort_module *const coh_http_modules[] = {
    /* What the language of the context is made of. */
    &http_module,
    &coh_virtual_server_module,
    &coh_listen_module,
    &coh_location_module,
    &coh_client_module,
    &coh_response_module,
    &coh_accepted_module,
    &coh_log_format_module,
    &coh_file_name_module,
    &coh_file_links_module,
    /* Rewrite. */
    &coh_internal_module,
    &coh_return_module,
    /* Before the content. */
    &coh_try_files_module,
    /* Content. */
    &coh_handler_module,
    &coh_index_module,
    &coh_static_module,
    /* Heads, errors, the log. */
    &coh_expires_module,
    &coh_headers_module,
    &coh_error_page_module,
    &coh_access_log_module,
    NULL,
};
