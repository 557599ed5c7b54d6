/* A constant answer, rendered at load: serving it is two copies and a date. */
#include "http/rendered.h"

#include <string.h>

#include "core/clock.h"
#include "core/str.h"
#include "http/body.h"
#include "http/output.h"
#include "http/request.h"
#include "http/response_head.h"
#include "http/service.h"
#include "http/status.h"

/* --- at load -------------------------------------------------------------- */

/* Room for what is not counted below: the status line, the names of our own
   fields. */
#define FRAME_SIZE 512

struct writer {
    char *start;
    char *at;
};

/* As it stands there now. */
static struct cohort_str
put(struct writer *writer, struct cohort_str str)
{
    const char *start = writer->at;

    writer->at = mempcpy(writer->at, str.data, str.size);
    return cohort_str_n(start, str.size);
}

static void
put_number(struct writer *writer, uint64_t number)
{
    writer->at += coh_u64_format(writer->at, number);
}

static struct coh_field
put_field(
    struct writer *writer, struct cohort_str name, struct cohort_str value)
{
    struct coh_field field = {.name = put(writer, name)};

    put(writer, COH_STR(": "));
    field.value = put(writer, value);
    put(writer, COH_STR("\r\n"));
    return field;
}

/* Further ones; as they stand there, at fields. How many. */
static uint16_t
put_fields(
    struct writer *writer, const struct coh_rendered_parts *parts,
    struct coh_field *fields)
{
    uint16_t count = 0;

    for (size_t i = 0; i < parts->field_count; i++) {
        const struct coh_field *field = &parts->fields[i];

        if (!field->is_removed) {
            fields[count++] = put_field(writer, field->name, field->value);
        }
    }
    return count;
}

static size_t
room_for(const struct coh_rendered_parts *parts)
{
    size_t size =
        FRAME_SIZE + parts->server.size + parts->type.size + parts->body.size;

    for (size_t i = 0; i < parts->field_count; i++) {
        size += parts->fields[i].name.size + parts->fields[i].value.size + 4;
    }
    return size;
}

static void
put_body_fields(struct writer *writer, const struct coh_rendered_parts *parts)
{
    if (coh_status_is_bodiless(parts->status)) {
        return;
    }
    if (parts->type.size > 0) {
        put_field(writer, COH_STR("Content-Type"), parts->type);
    }
    put(writer, COH_STR("Content-Length: "));
    put_number(writer, parts->body.size);
    put(writer, COH_STR("\r\n"));
}

static void
put_connection(
    struct writer *writer, const struct coh_rendered_parts *parts,
    bool is_closing)
{
    if (is_closing || parts->is_closing_always) {
        put(writer, COH_STR("Connection: close\r\n\r\n"));
        return;
    }
    put(writer, COH_STR("Connection: keep-alive\r\n"));
    if (parts->keepalive_header_s > 0) {
        put(writer, COH_STR("Keep-Alive: timeout="));
        put_number(writer, parts->keepalive_header_s);
        put(writer, COH_STR("\r\n"));
    }
    put(writer, COH_STR("\r\n"));
}

/* Status line, Server and room for the date, where *date_at then says. */
static void
put_start(
    struct writer *writer, const struct coh_rendered_parts *parts,
    uint32_t *date_at)
{
    put(writer, COH_STR("HTTP/1.1 "));
    put(writer, coh_status_text(coh_status_on_wire(parts->status)));
    put(writer, COH_STR("\r\nServer: "));
    put(writer, parts->server);
    put(writer, COH_STR("\r\nDate: "));
    *date_at = (uint32_t)(writer->at - writer->start);
    writer->at += COH_HTTP_DATE_SIZE;
    put(writer, COH_STR("\r\n"));
}

static void
render(
    struct coh_arena *arena, const struct coh_rendered_parts *parts,
    struct coh_rendered *rendered, struct coh_rendered_form *form)
{
    struct writer writer;

    writer.start = coh_arena_alloc(arena, room_for(parts));
    writer.at = writer.start;
    put_start(&writer, parts, &rendered->date_at);
    put_body_fields(&writer, parts);
    rendered->field_count = put_fields(&writer, parts, rendered->fields);
    put_connection(&writer, parts, form == &rendered->closing);
    form->data = writer.start;
    form->head_size = (uint32_t)(writer.at - writer.start);
    if (!coh_status_is_bodiless(parts->status)) {
        put(&writer, parts->body);
    }
    form->size = (uint32_t)(writer.at - writer.start);
}

const struct coh_rendered *
coh_rendered_new(
    struct coh_arena *arena, const struct coh_rendered_parts *parts)
{
    struct coh_rendered *rendered = coh_arena_alloc(arena, sizeof(*rendered));

    rendered->status = coh_status_on_wire(parts->status);
    rendered->type = parts->type;
    rendered->body_size = parts->body.size;
    rendered->fields =
        coh_arena_alloc(arena, parts->field_count * sizeof(*rendered->fields));
    render(arena, parts, rendered, &rendered->keep_alive);
    render(arena, parts, rendered, &rendered->closing);
    return rendered;
}

/* --- while serving -------------------------------------------------------- */

/* A form that fits into the batch in one piece, as nearly all do. */
static void
put_small(
    struct coh_connection *connection, const struct coh_rendered *rendered,
    const struct coh_rendered_form *form, size_t size)
{
    char *out = coh_output_reserve(connection, size);

    memcpy(out, form->data, size);
    memcpy(
        out + rendered->date_at, connection->http->loop->clock.http_date,
        COH_HTTP_DATE_SIZE);
    coh_output_commit(connection, size);
}

/* In parts around the date: a large one, or one that has to wait. */
static void
put_parts(
    struct coh_connection *connection, const struct coh_rendered *rendered,
    const struct coh_rendered_form *form, size_t size)
{
    size_t behind = rendered->date_at + COH_HTTP_DATE_SIZE;

    coh_output_memory(connection, form->data, rendered->date_at);
    coh_output_memory(
        connection, connection->http->loop->clock.http_date,
        COH_HTTP_DATE_SIZE);
    coh_output_memory(connection, form->data + behind, size - behind);
}

/* What is known of an answer that is given at once. */
static void
describe(
    struct coh_response *response, const struct coh_rendered *rendered,
    const struct coh_rendered_form *form, size_t size)
{
    response->status = rendered->status;
    response->type = rendered->type;
    response->fields = rendered->fields;
    response->field_count = rendered->field_count;
    response->length = rendered->body_size;
    response->is_length_known = true;
    response->stage = COH_RESPONSE_ENDED;
    response->head_sent = form->head_size;
    response->body_sent = size - form->head_size;
    response->sent = size;
}

int
coh_respond_rendered(
    struct cohort_request *request, const struct coh_rendered *rendered)
{
    const struct coh_rendered_form *form;
    size_t size;
    int refusal = coh_body_discard_received(request);

    if (refusal != 0) {
        coh_response_clear(request);
        return refusal;
    }
    coh_response_settle_connection(request);
    coh_connection_set_delay(request->connection, false); /* see http/plan.c */
    form = request->keep_alive ? &rendered->keep_alive : &rendered->closing;
    size = request->method == COH_METHOD_HEAD ? form->head_size : form->size;
    describe(&request->response, rendered, form, size);
    if (size <= COH_OUTPUT_RESERVE_MAX / 2 &&
        coh_output_is_running(request->connection)) {
        put_small(request->connection, rendered, form, size);
    } else {
        put_parts(request->connection, rendered, form, size);
        if (!coh_output_is_running(request->connection)) {
            coh_response_keep_fields(request); /* nobody else does it */
        }
    }
    return COHORT_DONE;
}
