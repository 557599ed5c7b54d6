/* The HTTP service: what the engine asks of it in a template and in a
   worker. */
#include "http/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/connection_close.h"
#include "http/h1.h"
#include "http/piece.h"
#include "http/registry.h"
#include "http/request.h"
#include "http/scratch.h"
#include "http/settings.h"

#define ARENA_BLOCK_SIZE 16384
/* Connections whose memory is kept for the next ones. */
#define IDLE_CONNECTIONS_MAX 256
#define IDLE_BUFFERS_MAX 64

static const struct cohort_counter counters[COH_HTTP_COUNTER_COUNT] = {
#define REQUESTS(digit, meaning)                                               \
    {                                                                          \
        .name = "cohort_http_responses_total",                                 \
        .help = "Responses by the class of their status.",                     \
        .labels = "status=\"" #digit "xx\"",                                   \
        .health = COHORT_HEALTH_##meaning,                                     \
    }
    [COH_COUNT_REQUESTS] =
        {.name = "cohort_http_requests_total",
         .help = "Requests whose head was read or refused."},
    [COH_COUNT_1XX] = REQUESTS(1, NONE),
    [COH_COUNT_2XX] = REQUESTS(2, GOOD),
    [COH_COUNT_3XX] = REQUESTS(3, GOOD),
    [COH_COUNT_4XX] = REQUESTS(4, GOOD),
    [COH_COUNT_5XX] = REQUESTS(5, BAD),
#undef REQUESTS
    [COH_COUNT_UNANSWERED] =
        {.name = "cohort_http_unanswered_total",
         .help = "Requests whose client went before their response began.",
         .health = COHORT_HEALTH_BAD},
    [COH_COUNT_BYTES_SENT] =
        {.name = "cohort_http_sent_bytes_total",
         .help = "Bytes sent to clients."},
    [COH_COUNT_BAD_REQUESTS] =
        {.name = "cohort_http_bad_requests_total",
         .help = "Requests refused for their form or size."},
    [COH_COUNT_TIMEOUTS] =
        {.name = "cohort_http_timeouts_total",
         .help = "Clients that took too long to send or to read."},
    [COH_COUNT_ACCEPTED] =
        {.name = "cohort_http_connections_total",
         .help = "Client connections taken over."},
    [COH_COUNT_LOG_LINES_DROPPED] =
        {.name = "cohort_http_log_lines_dropped_total",
         .help = "Lines that an access log did not take."},
    [COH_GAUGE_READING] =
        {.name = "cohort_http_connections",
         .help = "Open client connections by what they do.",
         .kind = COHORT_GAUGE,
         .labels = "state=\"reading\""},
    [COH_GAUGE_WRITING] =
        {.name = "cohort_http_connections",
         .help = "Open client connections by what they do.",
         .kind = COHORT_GAUGE,
         .labels = "state=\"writing\""},
    [COH_GAUGE_WAITING] =
        {.name = "cohort_http_connections",
         .help = "Open client connections by what they do.",
         .kind = COHORT_GAUGE,
         .labels = "state=\"waiting\""},
};

/* The rows of the histogram. */
static void
describe_durations(struct cohort_counter *rows)
{
#define LABELS(milliseconds, text) "le=\"" text "\"",
    static const char *const labels[] = {COH_DURATION_BOUNDS(LABELS) NULL};

    for (size_t i = 0; i <= COH_DURATION_BUCKETS; i++) {
        rows[i] = (struct cohort_counter){
            .name = "cohort_http_request_duration_seconds",
            .help = "From the end of a request's head to the last byte of its "
                    "response, by a clock that is read once per turn of the "
                    "event loop, in steps of some 4 ms: what begins and ends "
                    "within one is 0.",
            .kind = COHORT_HISTOGRAM,
            .labels = labels[i],
        };
    }
    rows[COH_DURATION_BUCKETS].health = COHORT_HEALTH_LATENCY;
}

static int
declare_counters(struct coh_http *http, struct cohort_load *load)
{
    struct cohort_counter all[COH_HTTP_COUNTER_COUNT];

    memcpy(all, counters, sizeof(all));
    describe_durations(&all[COH_DURATION_FIRST]);
    return cohort_load_counters(
        load, all, COH_HTTP_COUNTER_COUNT, &http->first_counter);
}

/* --- in the template ------------------------------------------------------ */

static void
unload(void *state)
{
    struct coh_http *http = state;

    coh_routing_unload(http);
    coh_arena_free(http->arena);
    free(http);
}

static int
load(struct cohort_load *load, void *const *settings, void *user, void **state)
{
    struct coh_http *http = calloc(1, sizeof(*http));
    int result;

    if (http == NULL) {
        coh_die_memory(sizeof(*http));
    }
    http->arena = coh_arena_new(ARENA_BLOCK_SIZE);
    http->settings = settings;
    result = declare_counters(http, load);
    if (result == 0) {
        result = coh_routing_load(http, load, settings, user);
    }
    if (result < 0) {
        unload(http);
        return result;
    }
    *state = http;
    return 0;
}

/* --- in a worker ---------------------------------------------------------- */

static int
start(struct cohort_self *self, void *state)
{
    struct coh_http *http = state;

    http->self = self;
    http->loop = cohort_self_loop(self);
    http->log = cohort_self_log(self);
    http->counters = cohort_self_counters(self) + http->first_counter;
    TAILQ_INIT(&http->connections);
    TAILQ_INIT(&http->resumed);
    event_assign(
        &http->resume, http->loop->base, -1, 0, coh_http_on_resume, http);
    http->loop->wheel.on_due = coh_connection_on_due;
    http->scratch = coh_scratch_new(http->head_max);
    coh_pool_init(
        &http->connection_pool, sizeof(struct coh_connection),
        IDLE_CONNECTIONS_MAX, 0);
    coh_pool_init(
        &http->request_pool, sizeof(struct cohort_request), IDLE_BUFFERS_MAX,
        0);
    coh_pool_init(
        &http->piece_pool, sizeof(struct coh_piece), IDLE_BUFFERS_MAX, 0);
    coh_pool_init(
        &http->buffer_pool, COH_PIECE_BUFFER_SIZE, IDLE_BUFFERS_MAX, 0);
    coh_h1_init();
    return coh_routing_start(http);
}

static void
connection(void *state, int fd, void *user)
{
    coh_connection_open(state, fd, user);
}

static size_t
reclaim(void *state, size_t count)
{
    return coh_connections_reclaim(state, count);
}

static void
reopen(void *state, bool is_before)
{
    coh_routing_reopen(state, is_before);
}

void
coh_http_check_idle(struct coh_http *http)
{
    if (http->drain_ms != 0 && http->connection_count == 0 &&
        !http->is_idle_told) {
        http->is_idle_told = true;
        cohort_self_idle(http->self);
    }
}

static void
drain(void *state)
{
    struct coh_http *http = state;

    if (http->drain_ms != 0) {
        return;
    }
    coh_loop_update(http->loop);
    http->drain_ms = coh_loop_now_ms(http->loop);
    coh_connections_drain(http);
    coh_http_check_idle(http);
}

static size_t
doing(void *state, char *out, size_t size)
{
    const struct coh_http *http = state;
    const struct coh_connection *running = http->running;
    const struct cohort_request *request = running ? running->request : NULL;

    if (!request || !request->line.data) {
        return 0;
    }
    if (size > request->line.size) {
        size = request->line.size;
    }
    memcpy(out, request->line.data, size);
    return request->line.size;
}

static void
stop(void *state)
{
    struct coh_http *http = state;
    struct coh_connection *open;

    http->is_idle_told = true; /* whoever stops us knows */
    while ((open = TAILQ_FIRST(&http->connections)) != NULL) {
        coh_connection_close(open);
    }
    event_del(&http->resume);
    while (http->spare_arena_count > 0) {
        coh_arena_free(http->spare_arenas[--http->spare_arena_count]);
    }
    coh_pool_fini(&http->connection_pool);
    coh_pool_fini(&http->request_pool);
    coh_pool_fini(&http->piece_pool);
    coh_pool_fini(&http->buffer_pool);
    coh_scratch_free(http->scratch);
    coh_routing_stop(http);
    unload(http);
}

struct cohort_service coh_http_service = {
    .api = COHORT_SERVICE_API,
    .name = "http",
    .modules = coh_http_modules,
    .load = load,
    .start = start,
    .connection = connection,
    .reclaim = reclaim,
    .reopen = reopen,
    .drain = drain,
    .stop = stop,
    .unload = unload,
    .doing = doing,
};
