/* The log format combined, without a look at any variable:
   $remote_addr - $remote_user [$time_local] "$request" $status
   $body_bytes_sent "$http_referer" "$http_user_agent" */
#include <string.h>

#include "core/str.h"
#include "http/log_format.h"
#include "http/log_sink.h"
#include "http/peer.h"
#include "http/remote_user.h"
#include "http/request.h"
#include "http/scratch.h"
#include "http/service.h"

/* Everything but the four values that clients choose. */
#define FIXED_MAX 512
#define VALUE_COUNT 4
/* What a value is cut to if the line would be too long. */
#define VALUE_MAX                                                              \
    ((COH_LOG_SINK_LINE_MAX - FIXED_MAX) / VALUE_COUNT /                       \
     COH_LOG_ESCAPE_DEFAULT_MAX)

static char *
write_text(char *out, struct cohort_str text)
{
    return mempcpy(out, text.data, text.size);
}

static char *
write_peer(char *out, struct cohort_request *request)
{
    char room[COH_ADDR_TEXT_MAX];

    return stpcpy(out, coh_peer_text(request->connection, room));
}

static char *
write_status(char *out, int status)
{
    out[0] = (char)('0' + status / 100 % 10);
    out[1] = (char)('0' + status / 10 % 10);
    out[2] = (char)('0' + status % 10);
    return out + 3;
}

/* The values that clients choose, but for their name. */
struct values {
    struct cohort_str line;
    struct cohort_str referer;
    struct cohort_str agent;
};

static struct cohort_str
field(const struct cohort_request *request, enum coh_header_id id)
{
    struct cohort_str value = {"", 0};

    if (coh_request_has(request, id)) {
        value = coh_request_value(request, id);
    }
    return value;
}

static void
cut(struct cohort_str *value)
{
    if (value->size > VALUE_MAX) {
        value->size = VALUE_MAX;
    }
}

static void
get_values(struct cohort_request *request, struct values *values)
{
    values->line = request->line;
    values->referer = field(request, COH_HEADER_REFERER);
    values->agent = field(request, COH_HEADER_USER_AGENT);
    cut(&values->line);
    cut(&values->referer);
    cut(&values->agent);
}

/* What stands behind the time: from the head, the status and the size. */
static char *
write_tail(char *out, struct cohort_request *request)
{
    struct values values;

    get_values(request, &values);
    out = coh_log_escape_default(out, values.line);
    out = write_text(out, COH_STR("\" "));
    out = write_status(out, request->response.status);
    *out++ = ' ';
    out += coh_u64_format(out, request->response.body_sent);
    out = write_text(out, COH_STR(" \""));
    out = coh_log_escape_default(out, values.referer);
    out = write_text(out, COH_STR("\" \""));
    out = coh_log_escape_default(out, values.agent);
    return write_text(out, COH_STR("\"\n"));
}

/* The same head with the same answer has the same tail: copied from the line
   before (http/h1.h says when heads are known to be the same). */
static char *
copy_tail(char *out, struct cohort_request *request)
{
    const struct coh_response *response = &request->response;
    struct coh_log_tail *tail = &request->connection->http->scratch->tail;
    char *end;

    if (tail->size > 0 && tail->head_number == request->head_number &&
        tail->status == response->status &&
        tail->body_sent == response->body_sent) {
        return mempcpy(out, tail->text, tail->size);
    }
    end = write_tail(out, request);
    tail->size = 0;
    if (request->head_number != 0 &&
        (size_t)(end - out) <= sizeof(tail->text)) {
        tail->head_number = request->head_number;
        tail->status = response->status;
        tail->body_sent = response->body_sent;
        tail->size = (size_t)(end - out);
        memcpy(tail->text, out, tail->size);
    }
    return end;
}

static char *
write_user(char *out, struct cohort_request *request)
{
    struct cohort_str user = COH_STR("");

    if (!coh_request_has(request, COH_HEADER_AUTHORIZATION)) {
        *out = '-';
        return out + 1;
    }
    (void)coh_remote_user(request, &user);
    cut(&user);
    return coh_log_escape_default(out, user);
}

size_t
coh_log_combined_write(struct cohort_request *request, char *out)
{
    const struct coh_clock *clock = &request->connection->http->loop->clock;
    char *end = write_peer(out, request);

    end = write_text(end, COH_STR(" - "));
    end = write_user(end, request);
    end = write_text(end, COH_STR(" ["));
    end = mempcpy(end, clock->log_time, COH_LOG_TIME_SIZE);
    end = write_text(end, COH_STR("] \""));
    return (size_t)(copy_tail(end, request) - out);
}
