/* Directives about responses: what their heads tell, how redirects look, how
   files are sent. */
#include "http/settings.h"

#include <stddef.h>

#include "core/str.h"
#include "http/types.h"

enum {
    IN_LOCATIONS = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
};

#define FIELD(member) COHORT_FIELD(struct coh_response_settings, member)

/* Each costs a head of its own: without a limit, a request of 8k asks for 2,000
   of them. */
#define MAX_RANGES 128

#define SENDFILE_MAX_CHUNK (2u << 20)

static void
init(void *settings)
{
    struct coh_response_settings *response = settings;

    response->server_tokens = COH_TOKENS_ON;
    response->default_type = COH_STR("text/plain");
    response->types = coh_types_default();
    response->chunked_transfer_encoding = true;
    response->absolute_redirect = true;
    response->port_in_redirect = true;
    response->msie_padding = true;
    response->etag = true;
    response->if_modified_since = COH_MODIFIED_SINCE_EXACT;
    response->max_ranges = MAX_RANGES;
    response->sendfile = true;
    response->sendfile_max_chunk = SENDFILE_MAX_CHUNK;
    response->tcp_nodelay = true;
}

static int
set_types(struct cohort_conf *conf, void *settings)
{
    struct coh_response_settings *response = settings;

    return coh_types_read(conf, &response->types);
}

static const struct cohort_conf_choice tokens[] = {
    {"on", COH_TOKENS_ON},
    {"off", COH_TOKENS_OFF},
    {"build", COH_TOKENS_BUILD},
    {NULL, 0},
};

static const struct cohort_conf_choice modified_since[] = {
    {"off", COH_MODIFIED_SINCE_OFF},
    {"exact", COH_MODIFIED_SINCE_EXACT},
    {"before", COH_MODIFIED_SINCE_BEFORE},
    {NULL, 0},
};

static const struct cohort_directive directives[] = {
    {
        .name = "server_tokens",
        .usage = "on | off | build",
        .help = "How much the Server field and the error pages tell: with the "
                "version, without, or with the build too.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(server_tokens),
        .choices = tokens,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "default_type",
        .usage = "mime-type",
        .help = "Content-Type of files whose extension is not in types, and "
                "of the texts of return.",
        .default_value = "text/plain",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(default_type),
        .set = cohort_conf_set_str,
    },
    {
        .name = "types",
        .usage = "{ mime-type extension ...; ... }",
        .help = "Content-Type by file extension.",
        .where = IN_LOCATIONS,
        .args = {0, 0},
        .kind = COHORT_KIND_ARRAY,
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(types),
        .is_raw = true,
        .set = set_types,
    },
    {
        .name = "chunked_transfer_encoding",
        .usage = "on | off",
        .help = "Send bodies of unknown length in chunks to HTTP/1.1 clients; "
                "off: their end is the connection's.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(chunked_transfer_encoding),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "absolute_redirect",
        .usage = "on | off",
        .help = "Redirect to whole URLs; off: to paths.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(absolute_redirect),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "port_in_redirect",
        .usage = "on | off",
        .help = "Name the listener's port in redirects when it is not the "
                "scheme's own.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(port_in_redirect),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "server_name_in_redirect",
        .usage = "on | off",
        .help = "Redirect to the first server_name instead of the request's "
                "host.",
        .default_value = "off",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(server_name_in_redirect),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "msie_padding",
        .usage = "on | off",
        .help = "Make error pages for old MSIE longer than the ones it hides.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(msie_padding),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "etag",
        .usage = "on | off",
        .help = "Send an ETag with files.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(etag),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "if_modified_since",
        .usage = "off | exact | before",
        .help = "When If-Modified-Since is answered with 304: never, if the "
                "times are equal, or if the file is not younger.",
        .default_value = "exact",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(if_modified_since),
        .choices = modified_since,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "max_ranges",
        .usage = "number",
        .help = "How many byte ranges a request may ask for; more get the "
                "whole file. 0: no ranges.",
        .default_value = "128",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(max_ranges),
        .set = cohort_conf_set_number,
    },
    {
        .name = "sendfile",
        .usage = "on | off",
        .help = "Let the kernel send files; off: read them, then send them. "
                "Files up to 16k come from memory in any case.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(sendfile),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "sendfile_max_chunk",
        .usage = "size",
        .help = "Bytes of a file that go out before other connections have "
                "their turn, also with sendfile off. 0: no limit.",
        .default_value = "2m",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(sendfile_max_chunk),
        .set = cohort_conf_set_size,
    },
    {
        .name = "tcp_nodelay",
        .usage = "on | off",
        .help = "Send the end of a response at once; off: only when the client "
                "has acknowledged what went before.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(tcp_nodelay),
        .set = cohort_conf_set_flag,
    },
    {.name = NULL},
};

struct cohort_module coh_response_module = {
    .api = COHORT_MODULE_API,
    .name = "response",
    .directives = directives,
    .settings_size = sizeof(struct coh_response_settings),
    .settings_in = COHORT_IN_HTTP,
    .init = init,
};
