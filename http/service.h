/* The HTTP service in one process: what load() made, and what a worker's
   connections share. */
#ifndef COH_HTTP_SERVICE_H
#define COH_HTTP_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cohort.h>

#include "core/arena.h"
#include "core/event.h"
#include "core/pool.h"
#include "http/connection.h"
#include "http/duration.h"

struct coh_scratch;

/* What is counted, in the order declared at load. */
enum coh_http_counter {
    COH_COUNT_REQUESTS,
    COH_COUNT_1XX, /* then 2xx to 5xx: by the status's class */
    COH_COUNT_2XX,
    COH_COUNT_3XX,
    COH_COUNT_4XX,
    COH_COUNT_5XX,
    COH_COUNT_UNANSWERED,
    COH_COUNT_BYTES_SENT,
    COH_COUNT_BAD_REQUESTS,
    COH_COUNT_TIMEOUTS,
    COH_COUNT_ACCEPTED,
    COH_COUNT_LOG_LINES_DROPPED,
    COH_GAUGE_READING,
    COH_GAUGE_WRITING,
    COH_GAUGE_WAITING,
    COH_DURATION_FIRST, /* the buckets of the histogram, then its sum */
    COH_DURATION_SUM = COH_DURATION_FIRST + COH_DURATION_BUCKETS,
    COH_HTTP_COUNTER_COUNT,
};

#define COH_SPARE_ARENA_COUNT 16 /* kept for the next requests */

struct coh_http {
    /* --- of the generation --- */
    struct coh_arena *arena; /* lives as long as it */
    void *const *settings;   /* of the main context */
    size_t first_counter;
    size_t head_max; /* bytes: the largest head that any server takes */
    void *routing;   /* coh_routing_load()'s own */

    /* --- of the worker; 0 before start --- */
    struct cohort_self *self;
    struct coh_loop *loop;
    struct cohort_log *log;
    uint64_t *counters; /* ours: index by enum coh_http_counter */
    struct coh_connection_list connections;
    size_t connection_count;
    uint64_t connection_number;
    uint64_t drain_ms; /* when draining began; 0: not */
    bool is_idle_told;
    TAILQ_HEAD(coh_resumed, cohort_request) resumed;
    size_t resumed_count;
    bool is_resuming; /* coh_http_on_resume() runs */
    struct event resume;
    struct coh_scratch *scratch;    /* buffers of the callback that runs */
    struct coh_connection *running; /* whose callback it is; NULL: nobody's */
    struct coh_pool connection_pool;
    struct coh_pool request_pool;
    struct coh_pool piece_pool;
    struct coh_pool buffer_pool; /* COH_PIECE_BUFFER_SIZE each */
    struct coh_arena *spare_arenas[COH_SPARE_ARENA_COUNT];
    unsigned spare_arena_count;
};

/* Nothing is open any more: a draining process is told so, once. */
void coh_http_check_idle(struct coh_http *http);

/* The loop's event of cohort_resume() (http/resume.c). */
void coh_http_on_resume(evutil_socket_t fd, short what, void *user);

/* The door to server/. */
extern struct cohort_service coh_http_service;

/*
 * What routing does in load() and in the life of a worker (http/routing.c):
 * check what only shows with the whole configuration, declare listeners (user:
 * their struct coh_address) and files, raise http->head_max.
 */
int coh_routing_load(
    struct coh_http *http, struct cohort_load *load, void *const *settings,
    void *user);
int coh_routing_start(struct coh_http *http);
void coh_routing_reopen(struct coh_http *http, bool is_before);
/* Write out what is buffered, free what start made. */
void coh_routing_stop(struct coh_http *http);
/* Free what load made. */
void coh_routing_unload(struct coh_http *http);

#endif
