/* A constant answer, rendered at load: serving it is two copies and a date. */
#ifndef COH_HTTP_RENDERED_H
#define COH_HTTP_RENDERED_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

#include "core/arena.h"
#include "http/response.h"

/* Head and body, one behind the other, with room for the date. */
struct coh_rendered_form {
    const char *data;
    uint32_t head_size;
    uint32_t size; /* head and body */
};

/* Read-only after load; shared by workers through fork. */
struct coh_rendered {
    int status;
    struct cohort_str type; /* as given; for logs */
    uint64_t body_size;
    uint32_t date_at; /* in both forms; COH_HTTP_DATE_SIZE bytes */
    uint16_t field_count;
    struct coh_field *fields; /* the further ones that are sent; for logs */
    struct coh_rendered_form keep_alive; /* "Connection: keep-alive" */
    struct coh_rendered_form closing;    /* "Connection: close" */
};

struct coh_rendered_parts {
    int status;
    struct cohort_str server;       /* value of Server */
    struct cohort_str type;         /* of Content-Type; "": none; not copied,
                                       lives as long as the generation */
    const struct coh_field *fields; /* further ones, checked by the caller */
    size_t field_count;
    struct cohort_str body;      /* ignored for 204 and 304 */
    uint64_t keepalive_header_s; /* "Keep-Alive: timeout=N"; 0: none */
    bool is_closing_always;      /* keepalive_timeout 0: both forms say close */
};

/* Everything is copied into the arena. Never NULL. */
const struct coh_rendered *coh_rendered_new(
    struct coh_arena *arena, const struct coh_rendered_parts *parts);

#endif
