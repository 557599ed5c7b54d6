/* HTTP/1 heads: the request line by the guard, the fields by llhttp, and where
   llhttp says that a field is, looked at again. */
#include "http/h1.h"

#include <string.h>

#include "core/str.h"
#include "http/h1_parser.h"

/* Parsers that have read "POST / HTTP/1.0" and "HTTP/1.1": a method that may
   have a body. */
static llhttp_t templates[2];

/* --- fields --------------------------------------------------------------- */

/* Only noted; digest() looks at all of them together. Called once per field,
   since the whole head is in one buffer. */
static int
on_value(llhttp_t *parser, const char *at, size_t size)
{
    struct coh_h1_head *head = parser->data;
    struct coh_header *slot = &head->slots[head->field_count];

    if (head->field_count == head->slot_count) {
        return HPE_USER;
    }
    head->field_count++;
    slot->value_at = (uint32_t)(at - head->data);
    slot->value_size = (uint32_t)size;
    return 0;
}

static int
on_head_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void
note_name(struct coh_h1_head *head, struct coh_header *slot, const char *name)
{
    uint64_t bit;

    slot->id = (uint8_t)coh_header_id(name, slot->name_size);
    slot->oddity = 0;
    if (slot->id != COH_HEADER_OTHER) {
        bit = coh_header_bit(slot->id);
        head->repeated |= head->seen & bit;
        head->seen |= bit;
    } else if (!coh_header_is_usual(name, slot->name_size)) {
        slot->oddity =
            (uint8_t)coh_header_oddity(cohort_str_n(name, slot->name_size));
        head->has_odd = true;
    }
}

/*
 * A field whose line begins at name; NULL, or where the next line begins.
 *
 * llhttp's value runs up to the line's end, blanks included; an empty one is
 * shown behind that end. The name is what stands before it since the line
 * before ended. Where anything but one ":" and blanks is between the two, the
 * line was folded, and the value is that of another one.
 */
static const char *
digest_field(
    struct coh_h1_head *head, struct coh_header *slot, const char *name)
{
    const char *value =
        head->data + slot->value_at - (slot->value_size == 0 ? 2 : 0);
    const char *end = value + slot->value_size;
    const char *colon = value - 1;
    const char *next = end + 2;

    while (colon > name && is_blank(*colon)) {
        colon--;
    }
    if (colon <= name || *colon != ':' || colon - name > UINT16_MAX) {
        return NULL;
    }
    if (end - name > (ptrdiff_t)head->longest_field) {
        head->longest_field = (uint32_t)(end - name);
    }
    while (end > value && is_blank(end[-1])) {
        end--;
    }
    slot->name_at = (uint32_t)(name - head->data);
    slot->name_size = (uint16_t)(colon - name);
    slot->value_at = (uint32_t)(value - head->data);
    slot->value_size = (uint32_t)(end - value);
    note_name(head, slot, name);
    return next;
}

/* All fields, the first of which begins at name. Behind the last of a complete
   head stands the empty line and nothing else. */
static enum coh_rule
digest(struct coh_h1_head *head, const char *name)
{
    struct coh_header *slot = head->slots;
    const struct coh_header *end = slot + head->field_count;

    for (; slot < end; slot++) {
        name = digest_field(head, slot, name);
        if (name == NULL) {
            head->field_count = 0;
            return COH_RULE_FIELD_FOLDED;
        }
    }
    if (head->is_complete && name + 2 < head->data + head->data_size) {
        return COH_RULE_FIELD_FOLDED;
    }
    return COH_RULE_NONE;
}

/* --- heads ---------------------------------------------------------------- */

static const llhttp_settings_t head_settings = {
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
};

void
coh_h1_init(void)
{
    static const char *const lines[] = {
        "POST / HTTP/1.0\r\n", "POST / HTTP/1.1\r\n"};

    coh_h1_parser_init(false);
    for (size_t i = 0; i < 2; i++) {
        llhttp_init(&templates[i], HTTP_REQUEST, &head_settings);
        coh_h1_execute(&templates[i], lines[i], lines[i] + strlen(lines[i]));
    }
}

/* A field whose value runs up to the end of what is there may not be complete,
   and doesn't count. */
static void
drop_unfinished(struct coh_h1_head *head, const char *end)
{
    const struct coh_header *last;

    if (head->field_count == 0) {
        return;
    }
    last = &head->slots[head->field_count - 1];
    if (head->data + last->value_at + last->value_size == end) {
        head->field_count--;
    }
}

static enum coh_rule
read_fields(struct coh_h1_head *head, struct cohort_str fields)
{
    const char *end = fields.data + fields.size;
    int error;

    head->parser = templates[head->line.version == 11];
    head->parser.data = head;
    error = coh_h1_execute(&head->parser, fields.data, end);
    if (error == HPE_PAUSED) {
        head->data_size =
            (uint32_t)(llhttp_get_error_pos(&head->parser) - head->data);
        head->size = head->data_size;
        head->is_complete = true;
    } else if (error == HPE_OK) {
        drop_unfinished(head, end);
    } else {
        head->field_count = 0;
        return error == HPE_USER ? COH_RULE_FIELD_COUNT
                                 : coh_rule_of_llhttp(error);
    }
    return digest(head, fields.data);
}

void
coh_h1_head_forget(struct coh_h1_head *head)
{
    head->is_complete = false;
    head->line = (struct coh_request_line){.size = 0};
    head->field_count = 0;
    head->longest_field = 0;
    head->seen = 0;
    head->repeated = 0;
    head->has_odd = false;
    head->memo_size = 0;
}

static enum coh_rule
read_head(struct coh_h1_head *head, struct cohort_str text)
{
    enum coh_rule rule;

    coh_h1_head_forget(head);
    head->data = text.data;
    rule = coh_guard_request_line(text, &head->line);
    if (rule != COH_RULE_NONE || head->line.size == 0) {
        return rule;
    }
    return read_fields(
        head,
        cohort_str_n(text.data + head->line.size, text.size - head->line.size));
}

/* --- bare LFs ------------------------------------------------------------- */

static bool
has_bare_lf(struct cohort_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r')) {
            return true;
        }
    }
    return false;
}

/* Copy a head up to its empty line, every LF as CRLF. Returns the bytes taken
   of text; *size: those written. */
static size_t
make_regular(struct cohort_str text, char *out, size_t *size)
{
    size_t line_size = 0; /* without its end */
    size_t i = 0;
    char *at = out;
    bool is_end = false;

    while (i < text.size && !is_end) {
        char c = text.data[i++];

        if (c == '\n') {
            is_end = line_size == 0;
            line_size = 0;
            if (i < 2 || text.data[i - 2] != '\r') {
                *at++ = '\r';
            }
        } else if (c != '\r' || i == text.size || text.data[i] != '\n') {
            line_size++;
        }
        *at++ = c;
    }
    *size = (size_t)(at - out);
    return i;
}

/* llhttp takes a bare LF in some places of a head and refuses it in others; we
   take it everywhere. */
static enum coh_rule
read_irregular(struct coh_h1_head *head, struct cohort_str text)
{
    size_t size;
    size_t taken;
    enum coh_rule rule;

    taken = make_regular(text, head->line_room, &size);
    rule = read_head(head, cohort_str_n(head->line_room, size));
    head->size = taken;
    return rule;
}

/* --- the same head again -------------------------------------------------- */

/* One that has a body is read anew: its parser goes on with the body. One with
   odd fields loses them to whom it is for. */
static bool
may_remember(const struct coh_h1_head *head, struct cohort_str text)
{
    return head->is_complete && head->data == text.data && !head->has_odd &&
        (head->parser.flags & (F_CHUNKED | F_CONTENT_LENGTH)) == 0 &&
        head->size <= sizeof(head->memo);
}

static void
remember(struct coh_h1_head *head, struct cohort_str text)
{
    if (may_remember(head, text)) {
        memcpy(head->memo, text.data, head->size);
        head->memo_size = head->size;
        head->memo_number++;
    }
}

static bool
is_remembered(const struct coh_h1_head *head, const char *data, size_t size)
{
    return head->memo_size != 0 && size >= head->memo_size &&
        memcmp(data, head->memo, head->memo_size) == 0;
}

/* All that is known of it stands at data now. */
static void
recall(struct coh_h1_head *head, const char *data)
{
    struct coh_request_line *line = &head->line;

    line->text.data = data + (line->text.data - head->data);
    line->method.data = data + (line->method.data - head->data);
    line->target.data = data + (line->target.data - head->data);
    head->data = data;
    head->skipped = 0;
}

/* --- any head ------------------------------------------------------------- */

static size_t
empty_lines(const char *data, size_t size)
{
    size_t at = 0;

    if (size > 0 && data[0] > '\r') {
        return 0; /* as nearly always */
    }
    for (;;) {
        if (at < size && data[at] == '\n') {
            at++;
        } else if (at + 1 < size && data[at] == '\r' && data[at + 1] == '\n') {
            at += 2;
        } else {
            return at;
        }
    }
}

enum coh_rule
coh_h1_read_head(struct coh_h1_head *head, const char *data, size_t size)
{
    struct cohort_str text;
    enum coh_rule rule;

    if (is_remembered(head, data, size)) {
        recall(head, data);
        return COH_RULE_NONE;
    }
    head->skipped = empty_lines(data, size);
    text = coh_str_from(cohort_str_n(data, size), head->skipped);
    if (text.size == 0 || (text.size == 1 && text.data[0] == '\r')) {
        coh_h1_head_forget(head);
        return COH_RULE_NONE;
    }
    rule = read_head(head, text);
    if (rule != COH_RULE_NONE && head->line.size != 0 &&
        text.size * 2 <= head->line_room_size &&
        has_bare_lf(coh_str_from(text, head->line.size))) {
        rule = read_irregular(head, text);
    }
    if (rule == COH_RULE_NONE) {
        remember(head, text);
    }
    return rule;
}
