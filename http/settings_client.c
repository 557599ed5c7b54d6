/* Directives about client connections: keep-alive, limits and timeouts of what
   comes in, how connections are closed. */
#include "http/settings.h"

#include <stddef.h>

#include "core/str.h"
#include "http/scratch.h"

enum {
    IN_SERVERS = COHORT_IN_HTTP | COHORT_IN_SERVER,
    IN_LOCATIONS = IN_SERVERS | COHORT_IN_LOCATION,
};

#define FIELD(member) COHORT_FIELD(struct coh_client_settings, member)

/* Below, not even the shortest request line and its end fit. */
#define HEADER_BUFFER_MIN 32
/* Offsets into a head are 32 bits wide; a client must not choose our memory. */
#define HEADER_BUFFER_MAX (1 << 20)

static void
init(void *settings)
{
    struct coh_client_settings *client = settings;

    client->keepalive_timeout_ms = 75000;
    client->keepalive_time_ms = 3600000;
    client->keepalive_min_timeout_ms = 1000;
    client->keepalive_requests = 1000;
    client->keepalive_disable = COH_KEEPALIVE_DISABLE_MSIE6;
    client->client_header_timeout_ms = 60000;
    client->client_header_buffer_size = 1024;
    client->large_header_count = 4;
    client->large_header_size = 8192;
    client->max_headers = 1000;
    client->ignore_invalid_headers = true;
    client->merge_slashes = true;
    client->client_max_body_size = 1 << 20;
    client->client_body_timeout_ms = 60000;
    client->send_timeout_ms = 60000;
    client->lingering_close = COH_LINGERING_ON;
    client->lingering_time_ms = 30000;
    client->lingering_timeout_ms = 5000;
}

static int
set_keepalive_timeout(struct cohort_conf *conf, void *settings)
{
    struct coh_client_settings *client = settings;
    uint64_t header_ms = 0;
    int result = 0;

    if (cohort_parse_time_ms(
            cohort_conf_arg(conf, 0), &client->keepalive_timeout_ms) < 0) {
        result = cohort_conf_error_at(
            conf, 0, "invalid value \"%s\"\nwrite a time: 75s",
            cohort_conf_arg(conf, 0).data);
    }
    if (cohort_conf_arg_count(conf) > 1 &&
        cohort_parse_time_ms(cohort_conf_arg(conf, 1), &header_ms) < 0) {
        result = cohort_conf_error_at(
            conf, 1,
            "invalid value \"%s\"\nwrite what the Keep-Alive field tells "
            "clients: 75s",
            cohort_conf_arg(conf, 1).data);
    }
    client->keepalive_header_s = header_ms / 1000;
    return result;
}

static int
set_keepalive_disable(struct cohort_conf *conf, void *settings)
{
    static const struct cohort_conf_choice browsers[] = {
        {"none", 0},
        {"msie6", COH_KEEPALIVE_DISABLE_MSIE6},
        {"safari", COH_KEEPALIVE_DISABLE_SAFARI},
        {NULL, 0},
    };
    struct coh_client_settings *client = settings;
    int result = 0;
    size_t i;
    size_t choice;

    client->keepalive_disable = 0;
    for (i = 0; i < cohort_conf_arg_count(conf); i++) {
        for (choice = 0; browsers[choice].name; choice++) {
            if (cohort_conf_arg_is(conf, i, browsers[choice].name)) {
                break;
            }
        }
        if (!browsers[choice].name) {
            result = cohort_conf_error_at(
                conf, i, "invalid value \"%s\"\nit takes msie6, safari or none",
                cohort_conf_arg(conf, i).data);
        }
        client->keepalive_disable |= (unsigned)browsers[choice].value;
    }
    return result;
}

static int
set_large_buffers(struct cohort_conf *conf, void *settings)
{
    struct coh_client_settings *client = settings;
    int result = 0;

    if (cohort_parse_number(
            cohort_conf_arg(conf, 0), 1024, &client->large_header_count) < 0 ||
        client->large_header_count == 0) {
        result = cohort_conf_error_at(
            conf, 0,
            "invalid value \"%s\"\nwrite how many, 1 to 1024, and their size: "
            "4 8k",
            cohort_conf_arg(conf, 0).data);
    }
    if (cohort_parse_size(
            cohort_conf_arg(conf, 1), false, &client->large_header_size) < 0 ||
        client->large_header_size < HEADER_BUFFER_MIN ||
        client->large_header_size > HEADER_BUFFER_MAX) {
        result = cohort_conf_error_at(
            conf, 1, "invalid value \"%s\"\nwrite a size from %d to 1m: 8k",
            cohort_conf_arg(conf, 1).data, HEADER_BUFFER_MIN);
    }
    return result;
}

static int
set_max_body_size(struct cohort_conf *conf, void *settings)
{
    struct coh_client_settings *client = settings;

    if (cohort_parse_size(
            cohort_conf_arg(conf, 0), true, &client->client_max_body_size) <
        0) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid value \"%s\"\nwrite a size, or 0 for no limit: 1m",
            cohort_conf_arg(conf, 0).data);
    }
    return 0;
}

static const struct cohort_conf_choice lingering[] = {
    {"off", COH_LINGERING_OFF},
    {"on", COH_LINGERING_ON},
    {"always", COH_LINGERING_ALWAYS},
    {NULL, 0},
};

static const struct cohort_directive directives[] = {
    {
        .name = "keepalive_timeout",
        .usage = "timeout [header_timeout]",
        .help = "How long an idle connection stays open; 0 ends it after each "
                "response. The second time is told to clients as Keep-Alive.",
        .default_value = "75s",
        .where = IN_LOCATIONS,
        .args = {1, 2},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(keepalive_timeout_ms),
        .set = set_keepalive_timeout,
    },
    {
        .name = "keepalive_requests",
        .usage = "number",
        .help = "How many requests a connection serves before it is closed.",
        .default_value = "1000",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(keepalive_requests),
        .set = cohort_conf_set_number,
    },
    {
        .name = "keepalive_time",
        .usage = "time",
        .help = "How old a connection may get before it is closed after the "
                "next response.",
        .default_value = "1h",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(keepalive_time_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "keepalive_min_timeout",
        .usage = "timeout",
        .help = "How long an idle connection is kept at least while a worker "
                "drains.",
        .default_value = "1s",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(keepalive_min_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "keepalive_disable",
        .usage = "none | browser ...",
        .help = "Browsers whose connections are not kept: msie6, safari.",
        .default_value = "msie6",
        .where = IN_LOCATIONS,
        .args = {1, 2},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(keepalive_disable),
        .set = set_keepalive_disable,
    },
    {
        .name = "client_header_timeout",
        .usage = "time",
        .help = "How long a client may take to send a request's head.",
        .default_value = "60s",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(client_header_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "client_header_buffer_size",
        .usage = "size",
        .help = "Room for a request's head that most requests need.",
        .default_value = "1k",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(client_header_buffer_size),
        .limit_min = HEADER_BUFFER_MIN,
        .limit_max = HEADER_BUFFER_MAX,
        .set = cohort_conf_set_size,
    },
    {
        .name = "large_client_header_buffers",
        .usage = "number size",
        .help = "How many buffers a long head may take; a request line longer "
                "than one is 414, a field 400.",
        .default_value = "4 8k",
        .where = IN_SERVERS,
        .args = {2, 2},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(large_header_count),
        .set = set_large_buffers,
    },
    {
        .name = "max_headers",
        .usage = "number",
        .help = "How many fields a request's head may have.",
        .default_value = "1000",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(max_headers),
        .limit_min = 1,
        .limit_max = COH_SLOT_COUNT,
        .set = cohort_conf_set_number,
    },
    {
        .name = "ignore_invalid_headers",
        .usage = "on | off",
        .help = "Drop fields whose names have other characters than letters, "
                "digits and \"-\".",
        .default_value = "on",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(ignore_invalid_headers),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "underscores_in_headers",
        .usage = "on | off",
        .help = "Let \"_\" be a valid character of field names.",
        .default_value = "off",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(underscores_in_headers),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "merge_slashes",
        .usage = "on | off",
        .help = "Let several \"/\" in a path count as one.",
        .default_value = "on",
        .where = IN_SERVERS,
        .args = {1, 1},
        .read_at = COHORT_READ_HOST,
        .field = FIELD(merge_slashes),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "client_max_body_size",
        .usage = "size",
        .help = "The longest request body, above it is 413; 0: no limit.",
        .default_value = "1m",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(client_max_body_size),
        .set = set_max_body_size,
    },
    {
        .name = "client_body_timeout",
        .usage = "time",
        .help = "How long a client may be silent while it sends a body.",
        .default_value = "60s",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(client_body_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "client_body_min_rate",
        .usage = "size",
        .help = "How many bytes of a body a client must send a second on "
                "average while it is waited for; it has client_body_timeout "
                "to begin with. 0: any number.",
        .default_value = "0",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(client_body_min_rate),
        .set = cohort_conf_set_size,
    },
    {
        .name = "send_timeout",
        .usage = "time",
        .help = "How long a client may take nothing of a response.",
        .default_value = "60s",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(send_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "send_min_rate",
        .usage = "size",
        .help = "How many bytes of a response a client must take a second on "
                "average while it is waited for; it has send_timeout to "
                "begin with. 0: any number.",
        .default_value = "0",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(send_min_rate),
        .set = cohort_conf_set_size,
    },
    {
        .name = "lingering_close",
        .usage = "off | on | always",
        .help = "Read what a client still sends before its connection is "
                "closed, so that it sees the response.",
        .default_value = "on",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(lingering_close),
        .choices = lingering,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "lingering_time",
        .usage = "time",
        .help = "How long a closing connection is read from at most.",
        .default_value = "30s",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(lingering_time_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "lingering_timeout",
        .usage = "timeout",
        .help = "How long a closing connection waits for more to come.",
        .default_value = "5s",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(lingering_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "reset_timedout_connection",
        .usage = "on | off",
        .help = "End connections that timed out by a reset, which frees the "
                "kernel's buffers at once.",
        .default_value = "off",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = FIELD(reset_timedout_connection),
        .set = cohort_conf_set_flag,
    },
    {.name = NULL},
};

struct cohort_module coh_client_module = {
    .api = COHORT_MODULE_API,
    .name = "client",
    .directives = directives,
    .settings_size = sizeof(struct coh_client_settings),
    .settings_in = COHORT_IN_HTTP,
    .init = init,
};
