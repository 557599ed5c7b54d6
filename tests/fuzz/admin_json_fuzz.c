/* Requests of the admin service, from their bodies down to what the primary is
   asked: that is within what it allows, whatever was sent, and in whatever
   pieces; and clients get JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/json.h"
#include "core/json_text.h"
#include "tests/server/admin/fake_http.h"

#define BODY_MAX (96 * 1024) /* more than handlers take */
#define NOT_READY_MAX_MS 3600000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- what is asked -------------------------------------------------------- */

/* "NAME=VALUE", a NUL behind each. */
static void
check_environment(const struct fake_ask *ask)
{
    const char *at = ask->data;
    const char *end = at + ask->size;

    COH_CHECK(ask->size <= COH_ADMIN_ENVIRONMENT_MAX);
    while (at < end) {
        size_t size = strlen(at); /* a NUL follows the whole */

        COH_CHECK(at + size < end);
        COH_CHECK(strchr(at, '=') > at);
        at += size + 1;
    }
}

/* As it was sent, and JSON. */
static void
check_message(const struct fake_ask *ask, struct cohort_str body)
{
    struct coh_json_error error;
    size_t count;

    COH_CHECK(ask->size == body.size && ask->size <= COH_ADMIN_MESSAGE_MAX);
    COH_CHECK(memcmp(ask->data, body.data, body.size) == 0);
    COH_CHECK(coh_json_text_check(body, &count, &error) == 0);
    COH_CHECK(memchr(ask->data, '\0', ask->size) == NULL);
}

static void
check_ask(const struct fake_ask *ask, struct cohort_str body)
{
    const struct coh_frame_ask *frame = &ask->frame;
    size_t group = strnlen(frame->group, sizeof(frame->group));

    COH_CHECK(group < sizeof(frame->group));
    COH_CHECK(
        ask->size == 0 || frame->verb == COH_ASK_GROW ||
        frame->verb == COH_ASK_MESSAGE);
    switch (frame->verb) {
    case COH_ASK_GROW:
        check_environment(ask);
        COH_CHECK(frame->value >= 1 && frame->value <= 4096 && group > 0);
        break;
    case COH_ASK_SCALE: /* of any count, which the primary refuses */
        COH_CHECK(group > 0);
        break;
    case COH_ASK_KILL:
        COH_CHECK(frame->value >= 1 && frame->value <= 31);
        break;
    case COH_ASK_RELOAD:
        COH_CHECK(frame->value <= 1);
        break;
    case COH_ASK_QUIT:
    case COH_ASK_QUIT_BEGIN:
        COH_CHECK(frame->value <= NOT_READY_MAX_MS);
        break;
    case COH_ASK_MESSAGE:
        check_message(ask, body);
        break;
    default:
        COH_CHECK(frame->verb < COH_ASK_VERB_COUNT && frame->value == 0);
    }
    COH_CHECK(
        frame->verb < COH_ASK_DISCONNECT || frame->verb > COH_ASK_MESSAGE ||
        frame->worker_id > 0);
}

/* --- what is answered ----------------------------------------------------- */

static void
check_answer(const struct cohort_request *request)
{
    struct coh_json *value = NULL;

    COH_CHECK(request->status >= 200 && request->type[0] != '\0');
    if (strcmp(request->type, "application/json") == 0) {
        COH_CHECK(
            coh_json_parse(
                cohort_str_n(request->answer, request->answer_size),
                request->answer_size, &value, NULL) == 0);
        COH_CHECK(coh_json_kind(value) == COH_JSON_OBJECT);
        COH_CHECK(
            request->status < 400 || coh_json_member(value, "error") != NULL);
        coh_json_free(value);
    }
}

/* Bodies that are too long are refused without an answer of ours. */
static void
check_refusal(const struct cohort_request *request)
{
    COH_CHECK(request->status >= 400);
    if (request->answer_size > 0) {
        check_answer(request);
    } else {
        COH_CHECK(request->status == 413);
    }
}

/* The primary says yes or no to all; its words need not be UTF-8. */
static void
answer(struct fake *fake, struct cohort_request *request, const char *words)
{
    static const int results[] = {0, -2, -11, -16, -22, -110};
    size_t size = strlen(words);
    int result = results[size % (sizeof(results) / sizeof(results[0]))];

    for (size_t i = 0; i < fake->ask_count; i++) {
        fake_outcome(fake, i, result, (unsigned)size, words);
    }
    COH_CHECK(request->resumed_count == 1);
    check_answer(request);
}

/* --- a request ------------------------------------------------------------ */

struct input {
    char method[16];
    char path[256];
    struct cohort_str body;
};

static size_t
cut(const char *text, size_t size, char until, char *out, size_t room)
{
    const char *found = memchr(text, until, size);
    size_t length = found ? (size_t)(found - text) : size;
    size_t taken = length < room ? length : room - 1;

    memcpy(out, text, taken);
    out[taken] = '\0';
    return found ? length + 1 : size;
}

/* "METHOD PATH", a line end, the body. Streams of events have a form of their
   own, and tests. */
static bool
read_input(const uint8_t *data, size_t size, struct input *input)
{
    const char *text = (const char *)data;
    size_t used = cut(text, size, ' ', input->method, sizeof(input->method));

    used +=
        cut(text + used, size - used, '\n', input->path, sizeof(input->path));
    input->body = cohort_str_n(text + used, size - used);
    return input->path[0] == '/' && input->body.size <= BODY_MAX &&
        strncmp(input->path, "/v1/events", 10) != 0;
}

static struct cohort_request *
send_in_pieces(const struct input *input, size_t piece, bool is_chunked)
{
    struct cohort_request *request =
        fake_prepare(input->method, input->path, "");

    request->sent = input->body.data;
    request->sent_size = input->body.size;
    request->piece = piece;
    request->is_chunked = is_chunked;
    fake_send(request);
    return request;
}

/* Returns the status, or 0 if the primary was asked. */
static int
try_once(
    const struct input *input, size_t piece, bool is_chunked,
    struct fake_ask *first)
{
    struct fake *fake = fake_new();
    struct cohort_request *request = send_in_pieces(input, piece, is_chunked);
    int status = request->status;
    char *words = strndup(input->body.data, input->body.size);

    if (request->verdict == COHORT_LATER) {
        COH_CHECK(status == 0 && fake->ask_count > 0);
        for (size_t i = 0; i < fake->ask_count; i++) {
            check_ask(&fake->asks[i], input->body);
        }
        *first = fake->asks[0];
        answer(fake, request, words);
    } else {
        COH_CHECK(fake->ask_count == 0);
        check_refusal(request);
    }
    fake_end(request);
    fake_free(fake);
    free(words);
    return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_ask whole;
    static struct fake_ask split;
    struct input input;
    int status;

    if (!read_input(data, size, &input)) {
        return 0;
    }
    memset(&whole, 0, sizeof(whole));
    memset(&split, 0, sizeof(split));
    status = try_once(&input, SIZE_MAX, false, &whole);
    COH_CHECK(
        try_once(&input, 1 + input.body.size / 5, true, &split) == status);
    COH_CHECK(memcmp(&whole.frame, &split.frame, sizeof(whole.frame)) == 0);
    COH_CHECK(whole.size == split.size);
    COH_CHECK(memcmp(whole.data, split.data, whole.size) == 0);
    return 0;
}
