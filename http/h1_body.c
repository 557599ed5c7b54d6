/* HTTP/1 bodies: llhttp finds the data, the guard looks at what stands between
   it. */
#include "http/h1.h"

#include "core/str.h"
#include "http/h1_parser.h"

/* Data is shown once and llhttp stops there, so that nobody is called from
   inside it. */
static int
on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct coh_h1_body *body = parser->data;

    body->data = cohort_str_n(at, size);
    return HPE_PAUSED;
}

static int
on_complete(llhttp_t *parser)
{
    struct coh_h1_body *body = parser->data;

    body->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t body_settings = {
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void
coh_h1_body_init(struct coh_h1_body *body, const struct coh_h1_head *head)
{
    *body = (struct coh_h1_body){.parser = head->parser};
    body->parser.settings = (void *)(uintptr_t)&body_settings;
    body->parser.upgrade = 0; /* we never leave HTTP behind a body */
    body->is_chunked = (head->parser.flags & F_CHUNKED) != 0;
}

/* What llhttp read beside data was framing. */
static enum coh_rule
check_framing(struct coh_h1_body *body, const char *from, const char *data_end)
{
    enum coh_rule rule = COH_RULE_NONE;

    if (body->is_chunked) {
        const char *until = body->data.size > 0 ? body->data.data : data_end;

        rule = coh_guard_chunk_lines(
            &body->guard, cohort_str_n(from, (size_t)(until - from)));
    }
    if (body->data.size > 0) {
        coh_guard_chunk_data(&body->guard);
    }
    return rule;
}

enum coh_rule
coh_h1_body_next(
    struct coh_h1_body *body, struct cohort_str *input, struct cohort_str *data)
{
    const char *from = input->data;
    const char *end = input->data + input->size;
    int error;

    body->data = cohort_str_n(NULL, 0);
    body->parser.data = body;
    llhttp_resume(&body->parser);
    error = coh_h1_execute(&body->parser, from, end);
    if (error == HPE_PAUSED) {
        end = llhttp_get_error_pos(&body->parser);
    } else if (error != HPE_OK) {
        return COH_RULE_CHUNK;
    }
    *input = cohort_str_n(end, (size_t)(from + input->size - end));
    *data = body->data;
    return check_framing(body, from, end);
}
