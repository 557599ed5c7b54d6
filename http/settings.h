/* What a location says about clients and about responses in general; what
   belongs to one feature stands in that feature's own settings. */
#ifndef COH_HTTP_SETTINGS_H
#define COH_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/conf.h>

struct coh_types;

/* lingering_close. */
enum coh_lingering {
    COH_LINGERING_OFF,
    COH_LINGERING_ON, /* when the client may still be sending */
    COH_LINGERING_ALWAYS,
};

/* keepalive_disable: bits. */
enum coh_keepalive_disable {
    COH_KEEPALIVE_DISABLE_MSIE6 = 1 << 0,  /* POST from old MSIE */
    COH_KEEPALIVE_DISABLE_SAFARI = 1 << 1, /* Safari on a Mac */
};

/* Connections and what comes in on them (http/settings_client.c). */
struct coh_client_settings {
    /* Keep-alive: those of the location of the request. */
    uint64_t keepalive_timeout_ms;     /* 0: no keep-alive */
    uint64_t keepalive_header_s;       /* "Keep-Alive: timeout=N"; 0: none */
    uint64_t keepalive_time_ms;        /* a connection's age */
    uint64_t keepalive_min_timeout_ms; /* while draining; 0: closed at once */
    uint64_t keepalive_requests;       /* the last one gets "close" */
    unsigned keepalive_disable;        /* COH_KEEPALIVE_DISABLE_ bits */

    /* Reading a head: known by server, not by location. */
    uint64_t client_header_timeout_ms; /* for the whole head */
    uint64_t client_header_buffer_size;
    uint64_t large_header_count; /* large_client_header_buffers */
    uint64_t large_header_size;
    uint64_t max_headers;        /* fields in a head */
    bool ignore_invalid_headers; /* names outside letters, digits, "-" */
    bool underscores_in_headers; /* "_" counts as valid */
    bool merge_slashes;          /* "//" in a path is "/" */

    /* Reading a body. */
    uint64_t client_max_body_size;   /* bytes; 0: no limit */
    uint64_t client_body_timeout_ms; /* between two reads */
    uint64_t client_body_min_rate;   /* bytes a second; 0: any */

    /* Sending and closing. */
    uint64_t send_timeout_ms; /* between two writes */
    uint64_t send_min_rate;   /* bytes a second; 0: any */
    int lingering_close;      /* enum coh_lingering */
    uint64_t lingering_time_ms;
    uint64_t lingering_timeout_ms;
    bool reset_timedout_connection;
};

/* server_tokens: how much the Server field and the built-in pages tell. */
enum coh_server_tokens {
    COH_TOKENS_OFF,   /* cohort */
    COH_TOKENS_ON,    /* cohort/1.2.3 */
    COH_TOKENS_BUILD, /* cohort/1.2.3 (BUILD) */
};

/* if_modified_since. */
enum coh_modified_since {
    COH_MODIFIED_SINCE_OFF,
    COH_MODIFIED_SINCE_EXACT,
    COH_MODIFIED_SINCE_BEFORE,
};

/* What goes out (http/settings_response.c). */
struct coh_response_settings {
    /* Heads, redirects, pages. */
    int server_tokens; /* enum coh_server_tokens */
    struct cohort_str default_type;
    const struct coh_types *types; /* by extension; never NULL */
    bool chunked_transfer_encoding;
    bool absolute_redirect;
    bool port_in_redirect;
    bool server_name_in_redirect;
    bool msie_padding;

    /* Files. */
    bool etag;
    int if_modified_since; /* enum coh_modified_since */
    uint64_t max_ranges;   /* in a request; 0: none */

    /* How bytes leave. */
    bool sendfile;               /* off: files are read, then sent */
    uint64_t sendfile_max_chunk; /* bytes of files in a turn; 0: no limit */
    bool tcp_nodelay;            /* off: wait for acknowledgements (Nagle) */
};

extern struct cohort_module coh_client_module;
extern struct cohort_module coh_response_module;
/* Directives that change nothing here (http/settings_accepted.c). */
extern struct cohort_module coh_accepted_module;

/* From the settings of a server or location (by module->index). */
static inline const struct coh_client_settings *
coh_client_settings(void *const *settings)
{
    return settings[coh_client_module.index];
}

static inline const struct coh_response_settings *
coh_response_settings(void *const *settings)
{
    return settings[coh_response_module.index];
}

#endif
