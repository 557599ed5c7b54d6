/* Requests without sockets. */
#include "tests/server/admin/fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/test.h"

#define LOCATIONS_MAX 32
#define DIRECTIVES_MAX 8192

static struct {
    struct {
        const char *path;
        bool is_exact;
        cohort_handler handler;
        void *user;
    } locations[LOCATIONS_MAX];
    size_t count;
    char directives[DIRECTIVES_MAX];
} http;

/* --- what the service registers ------------------------------------------- */

int
cohort_handle(
    struct cohort *cohort, const char *location, cohort_handler handler,
    void *user)
{
    bool is_exact = location[0] == '=';

    (void)cohort;
    assert_true(http.count < LOCATIONS_MAX);
    http.locations[http.count].path = is_exact ? location + 2 : location;
    http.locations[http.count].is_exact = is_exact;
    http.locations[http.count].handler = handler;
    http.locations[http.count].user = user;
    http.count++;
    return 0;
}

int
cohort_set_directives(struct cohort *cohort, const char *text)
{
    (void)cohort;
    (void)text;
    return 0;
}

int
cohort_set_http_directives(struct cohort *cohort, const char *text)
{
    (void)cohort;
    assert_true(strlen(http.directives) + strlen(text) < DIRECTIVES_MAX);
    strcat(http.directives, text);
    return 0;
}

int
cohort_listen(struct cohort *cohort, const char *address)
{
    (void)cohort;
    (void)address;
    return 0;
}

const char *
cohort_version(void)
{
    return "0.0.test";
}

const char *
fake_directives(void)
{
    return http.directives;
}

/* --- the request ---------------------------------------------------------- */

struct cohort_str
cohort_request_method(const struct cohort_request *request)
{
    return cohort_str(request->method);
}

struct cohort_str
cohort_request_path(const struct cohort_request *request)
{
    return cohort_str(request->path);
}

struct cohort_str
cohort_request_args(const struct cohort_request *request)
{
    return cohort_str(request->args);
}

int64_t
cohort_request_content_length(const struct cohort_request *request)
{
    return request->is_chunked ? -1 : (int64_t)request->sent_size;
}

void *
cohort_request_alloc(struct cohort_request *request, size_t size)
{
    assert_null(request->memory);
    request->memory = calloc(1, size);
    assert_non_null(request->memory);
    return request->memory;
}

void
cohort_request_defer(
    struct cohort_request *request, void (*call)(void *object), void *object)
{
    assert_null(request->deferred);
    request->deferred = call;
    request->object = object;
}

int
cohort_body_read(
    struct cohort_request *request,
    int (*on_data)(
        struct cohort_request *request, const void *data, size_t size,
        void *user),
    void *user)
{
    size_t at = 0;
    int verdict = COHORT_LATER;

    while (at < request->sent_size && verdict == COHORT_LATER) {
        size_t rest = request->sent_size - at;
        size_t size = rest < request->piece ? rest : request->piece;

        verdict = on_data(request, request->sent + at, size, user);
        at += size;
    }
    return verdict == COHORT_LATER ? on_data(request, NULL, 0, user) : verdict;
}

/* --- the answer ----------------------------------------------------------- */

static void
append(struct cohort_request *request, const void *data, size_t size)
{
    request->answer = realloc(request->answer, request->answer_size + size + 1);
    assert_non_null(request->answer);
    if (size > 0) {
        memcpy(request->answer + request->answer_size, data, size);
    }
    request->answer_size += size;
    request->answer[request->answer_size] = '\0';
}

int
cohort_response_header(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    assert_memory_equal(name.data, "Allow", name.size);
    snprintf(
        request->allow, sizeof(request->allow), "%.*s", (int)value.size,
        value.data);
    return 0;
}

int
cohort_respond(
    struct cohort_request *request, int status, const char *type,
    const void *data, size_t size)
{
    assert_int_equal(request->status, 0);
    request->status = status;
    snprintf(request->type, sizeof(request->type), "%s", type ? type : "");
    append(request, data, size);
    return COHORT_DONE;
}

int
cohort_respond_text(
    struct cohort_request *request, int status, const char *text)
{
    return cohort_respond(request, status, "text/plain", text, strlen(text));
}

int
cohort_respond_stream(
    struct cohort_request *request, int status, const char *type,
    int64_t length,
    int (*on_writable)(struct cohort_request *request, size_t room, void *user),
    void *user)
{
    assert_int_equal(length, -1);
    request->on_writable = on_writable;
    request->user = user;
    return cohort_respond(request, status, type, NULL, 0);
}

int
cohort_write(struct cohort_request *request, const void *data, size_t size)
{
    assert_true(size <= request->room);
    request->room -= size;
    append(request, data, size);
    return 0;
}

static void
take_verdict(struct cohort_request *request, int verdict)
{
    request->verdict = verdict;
    if (verdict > 0) {
        assert_int_equal(request->status, 0);
        request->status = verdict;
    }
}

void
cohort_resume(struct cohort_request *request, int verdict)
{
    request->resumed_count++;
    take_verdict(request, verdict);
}

/* --- driving it ----------------------------------------------------------- */

struct cohort_request *
fake_prepare(const char *method, const char *path, const char *body)
{
    struct cohort_request *request = calloc(1, sizeof(*request));
    size_t size = strcspn(path, "?");

    assert_non_null(request);
    request->method = method;
    request->path = strndup(path, size);
    request->args = path[size] ? path + size + 1 : "";
    request->sent = body ? body : "";
    request->sent_size = strlen(request->sent);
    request->piece = SIZE_MAX;
    append(request, "", 0);
    return request;
}

void
fake_send(struct cohort_request *request)
{
    size_t best = LOCATIONS_MAX;

    for (size_t i = 0; i < http.count; i++) {
        const char *path = http.locations[i].path;
        bool is_match = http.locations[i].is_exact
            ? strcmp(request->path, path) == 0
            : strncmp(request->path, path, strlen(path)) == 0;

        if (is_match &&
            (best == LOCATIONS_MAX ||
             strlen(path) > strlen(http.locations[best].path))) {
            best = i;
        }
    }
    assert_true(best < LOCATIONS_MAX);
    take_verdict(
        request,
        http.locations[best].handler(request, http.locations[best].user));
}

struct cohort_request *
fake_request(const char *method, const char *path, const char *body)
{
    struct cohort_request *request = fake_prepare(method, path, body);

    fake_send(request);
    return request;
}

int
fake_pull(struct cohort_request *request, size_t room)
{
    request->room = room;
    return request->on_writable(request, room, request->user);
}

void
fake_end(struct cohort_request *request)
{
    if (request->deferred) {
        request->deferred(request->object);
    }
    free((char *)(uintptr_t)request->path);
    free(request->memory);
    free(request->answer);
    free(request);
}

/* --- the primary ---------------------------------------------------------- */

static int
write_down(
    void *user, const struct coh_frame_ask *frame, struct cohort_str data)
{
    struct fake *fake = user;
    struct fake_ask *ask = &fake->asks[fake->ask_count];

    if (fake->ask_result < 0) {
        return fake->ask_result;
    }
    assert_true(fake->ask_count < FAKE_ASKS_MAX && data.size <= FAKE_DATA_MAX);
    ask->frame = *frame;
    ask->size = data.size;
    memcpy(ask->data, data.data, data.size);
    ask->data[data.size] = '\0';
    fake->ask_count++;
    return 0;
}

struct fake *
fake_new(void)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    struct coh_admin_link link = {.ask = write_down, .user = fake};

    assert_non_null(fake);
    memset(&http, 0, sizeof(http));
    fake->admin = coh_admin_new();
    assert_int_equal(coh_admin_register(fake->admin, NULL), 0);
    coh_admin_connect(fake->admin, &link);
    return fake;
}

void
fake_free(struct fake *fake)
{
    coh_admin_free(fake->admin);
    free(fake);
}

void
fake_outcome(
    struct fake *fake, size_t index, int result, unsigned value,
    const char *text)
{
    size_t size = strlen(text);
    struct coh_frame_outcome *frame = malloc(sizeof(*frame) + size);

    assert_non_null(frame);
    *frame = (struct coh_frame_outcome){
        .number = fake->asks[index].frame.number,
        .result = result,
        .value = value,
    };
    memcpy(frame + 1, text, size);
    coh_admin_outcome(fake->admin, frame, sizeof(*frame) + size);
    free(frame);
}
