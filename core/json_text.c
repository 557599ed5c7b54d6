/* JSON as text: whether it is valid, and where a member of it stands. */
#include "core/json_text.h"

#include "core/json_scan.h"

static bool
take_document(struct coh_json_scanner *scanner)
{
    if (!coh_json_scan_value(scanner)) {
        return false;
    }
    coh_json_scan_blanks(scanner);
    return scanner->at == scanner->end ||
        coh_json_scan_fail(scanner, "goes on after its end");
}

void
coh_json_error_fill(
    struct coh_json_error *error, struct cohort_str text, size_t offset,
    const char *reason)
{
    if (error == NULL) {
        return;
    }
    error->reason = reason;
    error->offset = offset;
    error->line = 1;
    error->column = offset + 1;
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] == '\n') {
            error->line++;
            error->column = offset - i;
        }
    }
}

int
coh_json_text_check(
    struct cohort_str text, size_t *value_count, struct coh_json_error *error)
{
    struct coh_json_scanner scanner = coh_json_scanner_of(text);
    const char *start = scanner.at;

    if (!take_document(&scanner)) {
        coh_json_error_fill(
            error, text, (size_t)(scanner.at - start), scanner.reason);
        return scanner.error;
    }
    *value_count = scanner.value_count;
    return 0;
}

void
coh_json_text_mend(char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        const unsigned char *byte = (const unsigned char *)text + at;
        size_t length = *byte < 0x80 ? 1 : coh_json_scan_utf8(byte, size - at);

        if (length == 0) {
            text[at] = '?';
            length = 1;
        }
        at += length;
    }
}

bool
coh_json_text_member(
    struct cohort_str object, const char *name, struct cohort_str *value)
{
    struct coh_json_scanner scanner = coh_json_scanner_of(object);
    bool is_found = false;

    coh_json_scan_blanks(&scanner);
    if (!coh_json_scan_char(&scanner, '{')) {
        return false;
    }
    scanner.depth = 1;
    scanner.objects = 1;
    coh_json_scan_blanks(&scanner);
    if (coh_json_scan_char(&scanner, '}')) {
        return false;
    }
    do {
        struct cohort_str key;
        const char *start;

        coh_json_scan_name(&scanner, &key);
        coh_json_scan_blanks(&scanner);
        start = scanner.at;
        coh_json_scan_value(&scanner);
        if (coh_json_text_is(key, name)) {
            *value = cohort_str_n(start, (size_t)(scanner.at - start));
            is_found = true;
        }
        coh_json_scan_blanks(&scanner);
    } while (coh_json_scan_char(&scanner, ','));
    return is_found;
}
