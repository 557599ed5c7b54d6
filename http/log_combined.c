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
/* Bytes of the line that each of them has in any case, however it is escaped:
   who sends a long one hides no other. A name of a user has no more. */
#define SHARE ((COH_LOG_SINK_LINE_MAX - FIXED_MAX) / VALUE_COUNT)

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

/* Bytes that are left for a value while others come before it: all that it may
   need, one byte for the "-" of an empty one, too, but not more than its
   share. */
static size_t
reserve_for(struct cohort_str value)
{
    size_t size = (value.size + 1) * COH_LOG_ESCAPE_DEFAULT_MAX;

    return size < SHARE ? size : SHARE;
}

/* As much of the value as needs no more than room bytes in any case. */
static char *
write_value(char *out, struct cohort_str value, size_t room)
{
    size_t max = room / COH_LOG_ESCAPE_DEFAULT_MAX;

    value.size = value.size < max ? value.size : max;
    return coh_log_escape_default(out, value);
}

/* What stands behind the time: from the head, the status and the size. room:
   for the values in it; at least the share of each. */
static char *
write_tail(char *out, struct cohort_request *request, size_t room)
{
    struct cohort_str referer = coh_request_value(request, COH_HEADER_REFERER);
    struct cohort_str agent = coh_request_value(request, COH_HEADER_USER_AGENT);
    char *end = write_value(
        out, request->line, room - reserve_for(referer) - reserve_for(agent));

    room -= (size_t)(end - out);
    out = write_text(end, COH_STR("\" "));
    out = write_status(out, request->response.status);
    *out++ = ' ';
    out += coh_u64_format(out, request->response.body_sent);
    out = write_text(out, COH_STR(" \""));
    end = write_value(out, referer, room - reserve_for(agent));
    room -= (size_t)(end - out);
    out = write_text(end, COH_STR("\" \""));
    out = write_value(out, agent, room);
    return write_text(out, COH_STR("\"\n"));
}

/* The same head with the same answer has the same tail: copied from the line
   before (http/h1.h says when heads are known to be the same). */
static char *
copy_tail(char *out, struct cohort_request *request, size_t room)
{
    const struct coh_response *response = &request->response;
    struct coh_log_tail *tail = &request->connection->http->scratch->tail;
    char *end;

    if (tail->size > 0 && tail->head_number == request->head_number &&
        tail->status == response->status &&
        tail->body_sent == response->body_sent) {
        return mempcpy(out, tail->text, tail->size);
    }
    end = write_tail(out, request, room);
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
    return write_value(out, user, SHARE);
}

size_t
coh_log_combined_write(struct cohort_request *request, char *out)
{
    const struct coh_clock *clock = &request->connection->http->loop->clock;
    size_t room = COH_LOG_SINK_LINE_MAX - FIXED_MAX;
    char *user = write_text(write_peer(out, request), COH_STR(" - "));
    char *end = write_user(user, request);

    room -= (size_t)(end - user);
    end = write_text(end, COH_STR(" ["));
    end = mempcpy(end, clock->log_time, COH_LOG_TIME_SIZE);
    end = write_text(end, COH_STR("] \""));
    return (size_t)(copy_tail(end, request, room) - out);
}
