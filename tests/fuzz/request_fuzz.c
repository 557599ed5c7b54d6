/* Heads: what is accepted is framed in one way only, in any split, and by both
   builds of the parser. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/h1.h"
#include "http/h1_parser.h"

#define SIZE_MAX_READ 4096
#define SLOT_COUNT 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct coh_header slots[SLOT_COUNT];
static char line_room[2 * SIZE_MAX_READ];
static struct coh_h1_head head = {
    .slots = slots,
    .slot_count = SLOT_COUNT,
    .line_room = line_room,
    .line_room_size = sizeof(line_room),
};

/* The lines of a complete head, read again as simply as can be: a name, ":",
   blanks, a value, blanks, CRLF; nothing between, and an empty line behind. */
static void
check_lines(void)
{
    const char *at = head.data + head.line.size;
    const char *end = head.data + head.data_size;

    for (uint32_t i = 0; i < head.field_count; i++) {
        const struct coh_header *slot = &slots[i];

        COH_CHECK(head.data + slot->name_at == at);
        at += slot->name_size;
        COH_CHECK(slot->name_size > 0 && *at == ':');
        COH_CHECK(coh_header_is_token(
            cohort_str_n(head.data + slot->name_at, slot->name_size)));
        for (at++; *at == ' ' || *at == '\t'; at++) {
        }
        COH_CHECK(head.data + slot->value_at == at || slot->value_size == 0);
        at += slot->value_size;
        COH_CHECK(
            memchr(head.data + slot->value_at, '\n', slot->value_size) == NULL);
        while (*at == ' ' || *at == '\t') {
            at++;
        }
        COH_CHECK(at + 2 <= end && at[0] == '\r' && at[1] == '\n');
        at += 2;
    }
    COH_CHECK(
        (at + 2 == end && at[0] == '\r' && at[1] == '\n') ||
        (at + 1 == end && at[0] == '\n'));
}

static void
check_line(void)
{
    COH_CHECK(head.line.method.size > 0 && head.line.target.size > 0);
    COH_CHECK(head.line.version == 10 || head.line.version == 11);
    COH_CHECK(memchr(head.line.text.data, '\n', head.line.text.size) == NULL);
}

/* Any prefix of a complete head is incomplete, and nothing is wrong with it. */
static void
check_prefixes(const char *text, size_t size)
{
    for (size_t part = 0; part < size; part += 1 + part / 16) {
        char *copy = malloc(part + 1);

        memcpy(copy, text, part);
        COH_CHECK(coh_h1_read_head(&head, copy, part) == COH_RULE_NONE);
        COH_CHECK(!head.is_complete);
        free(copy);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SIZE_MAX_READ];
    enum coh_rule rule;
    bool is_complete;
    size_t taken;
    uint32_t field_count;

    if (size > sizeof(text)) {
        return 0;
    }
    memcpy(text, data, size);
    coh_h1_init();
    rule = coh_h1_read_head(&head, text, size);
    is_complete = head.is_complete;
    taken = head.skipped + head.size;
    field_count = head.field_count;
    if (rule == COH_RULE_NONE && is_complete) {
        COH_CHECK(taken <= size);
        check_line();
        check_lines();
        check_prefixes(text, taken);
    }
    coh_h1_parser_init(true);
    COH_CHECK(coh_h1_read_head(&head, text, size) == rule);
    COH_CHECK(rule != COH_RULE_NONE || head.is_complete == is_complete);
    COH_CHECK(rule != COH_RULE_NONE || head.field_count == field_count);
    return 0;
}
