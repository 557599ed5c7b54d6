/* The guard: refuses what could be read in two ways. */
#include "http/guard.h"

#include <string.h>

#include <llhttp.h>

#include "core/check.h"
#include "core/str.h"
#include "http/header.h"

/* Longer ones exist in no registry. */
#define METHOD_SIZE_MAX 64
/* Between two chunks' data: a size, an extension, and for the last one all the
   trailers. */
#define CHUNK_LINES_MAX 8192

/*
 * Who checks what. llhttp is built strictly and runs without any lenient flag;
 * it starts behind the request line, which it never sees (http/h1.c).
 */
static const struct coh_rule_row rows[COH_RULE_COUNT] = {
#define GUARD COH_KEPT_BY_GUARD
#define LLHTTP COH_KEPT_BY_LLHTTP
    /* The request line: all ours. llhttp knows a fixed list of methods, takes
       HTTP/0.9 and 2.0, and refuses bytes above 0x7f in targets. */
    [COH_RULE_METHOD] = {GUARD, 400, "an invalid method"},
    [COH_RULE_TARGET] = {GUARD, 400, "an invalid target"},
    [COH_RULE_PATH] =
        {GUARD, 400,
         "a path with a broken escape, a NUL or "
         "\"..\" above the root"},
    [COH_RULE_CONNECT_TARGET] = {GUARD, 400, "CONNECT without host and port"},
    [COH_RULE_VERSION] = {GUARD, 400, "no valid HTTP version"},
    [COH_RULE_MAJOR_VERSION] = {GUARD, 505, "an HTTP version other than 1"},
    /* Limits: all ours; llhttp has none. */
    [COH_RULE_LINE_SIZE] = {GUARD, 414, "a too long request line"},
    [COH_RULE_FIELD_SIZE] = {GUARD, 494, "a too long header line"},
    [COH_RULE_HEAD_SIZE] = {GUARD, 494, "a too large request header"},
    [COH_RULE_FIELD_COUNT] = {GUARD, 400, "too many header lines"},
    /* Fields. llhttp refuses names with other bytes than token characters, and
       control characters in values; it passes empty names and folded lines. */
    [COH_RULE_FIELD_NAME] = {LLHTTP, 400, "an invalid header line"},
    [COH_RULE_FIELD_FOLDED] = {GUARD, 400, "an invalid or folded header line"},
    [COH_RULE_FIELD_VALUE] = {LLHTTP, 400, "an invalid header value"},
    [COH_RULE_FIELD_REPEATED] =
        {GUARD, 400,
         "a header line twice that may "
         "stand once"},
    [COH_RULE_HOST_MISSING] = {GUARD, 400, "an HTTP/1.1 request without Host"},
    [COH_RULE_HOST] = {GUARD, 400, "an invalid host"},
    /* Framing. llhttp reads the length with an overflow check and refuses empty
       and repeated ones, and a length beside a coding that it knows. */
    [COH_RULE_LENGTH] = {LLHTTP, 400, "an invalid Content-Length"},
    [COH_RULE_CODING_LENGTH] =
        {GUARD, 400,
         "both Content-Length and "
         "Transfer-Encoding"},
    [COH_RULE_CODING_VERSION] = {GUARD, 400, "Transfer-Encoding in HTTP/1.0"},
    [COH_RULE_CODING_LIST] = {GUARD, 400, "an invalid Transfer-Encoding"},
    [COH_RULE_CODING_OTHER] = {GUARD, 501, "an unknown Transfer-Encoding"},
    /* Chunks. llhttp reads sizes with an overflow check and data to the byte;
       it passes a bare LF behind the last chunk, and folded trailers. */
    [COH_RULE_CHUNK] = {LLHTTP, 400, "an invalid chunked body"},
    [COH_RULE_CHUNK_LINE_END] =
        {GUARD, 400,
         "a chunked body with lines that "
         "don't end in CRLF"},
    [COH_RULE_CHUNK_LINE_SIZE] =
        {GUARD, 400,
         "a chunked body with too much "
         "between two chunks"},
    [COH_RULE_BODY_SIZE] = {GUARD, 413, "a too large body"},
#undef GUARD
#undef LLHTTP
};

const struct coh_rule_row *
coh_rule_row(enum coh_rule rule)
{
    COH_CHECK(rule > COH_RULE_NONE && rule < COH_RULE_COUNT);
    return &rows[rule];
}

enum coh_rule
coh_rule_of_llhttp(int error)
{
    switch (error) {
    case HPE_INVALID_CONTENT_LENGTH:
        return COH_RULE_LENGTH;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return COH_RULE_CODING_LENGTH;
    case HPE_INVALID_TRANSFER_ENCODING:
        return COH_RULE_CODING_LIST;
    case HPE_INVALID_CHUNK_SIZE:
        return COH_RULE_CHUNK;
    case HPE_LF_EXPECTED:
    case HPE_CR_EXPECTED:
        return COH_RULE_FIELD_VALUE;
    default:
        return COH_RULE_FIELD_NAME;
    }
}

/* --- the request line ----------------------------------------------------- */

/* Any token without lower-case letters: unknown ones are the handler's matter,
   but "get" is a mistake. */
static bool
is_method_char(char c)
{
    return (c >= 'A' && c <= 'Z') ||
        (coh_is_token_char(c) && !(c >= 'a' && c <= 'z'));
}

/* Bytes of the method at the begin of a line, which may not be all there. */
static size_t
method_size(struct cohort_str line)
{
    size_t size = 0;

    if (line.size > 3 && memcmp(line.data, "GET ", 4) == 0) {
        return 3;
    }
    while (size < line.size && is_method_char(line.data[size])) {
        size++;
    }
    return size;
}

#define VERSION_SIZE 8 /* "HTTP/1.1" */

/* To 10 or 11; a minor above 1 counts as 1. */
static enum coh_rule
read_version(const char *text, int *version)
{
    char major = text[5];
    char minor = text[7];

    if (memcmp(text, "HTTP/1.1", VERSION_SIZE) == 0) {
        *version = 11;
        return COH_RULE_NONE;
    }
    if (memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' || major < '1' ||
        major > '9' || minor < '0' || minor > '9') {
        return COH_RULE_VERSION;
    }
    *version = minor == '0' ? 10 : 11;
    return major == '1' ? COH_RULE_NONE : COH_RULE_MAJOR_VERSION;
}

/* All of the line is there: the version stands at its end, and the target is
   what is left; blanks in it are found by who reads it. */
static enum coh_rule
split_line(struct coh_request_line *line, size_t method)
{
    const char *target = line->text.data + method + 1;
    const char *end = line->text.data + line->text.size;
    ssize_t size = end - VERSION_SIZE - 1 - target;

    line->method = cohort_str_n(line->text.data, method);
    if (size <= 0 || target[size] != ' ') {
        return COH_RULE_VERSION;
    }
    line->target = cohort_str_n(target, (size_t)size);
    return read_version(end - VERSION_SIZE, &line->version);
}

enum coh_rule
coh_guard_request_line(struct cohort_str text, struct coh_request_line *line)
{
    const char *end = memchr(text.data, '\n', text.size);
    size_t method;

    *line = (struct coh_request_line){.text = text};
    if (end != NULL) {
        line->size = (size_t)(end + 1 - text.data);
        line->text.size = line->size - 1;
        if (line->size > 1 && end[-1] == '\r') {
            line->text.size--;
        }
    }
    method = method_size(line->text);
    if (method > METHOD_SIZE_MAX) {
        return COH_RULE_METHOD;
    }
    if (method == line->text.size) { /* and nothing is wrong so far */
        return end == NULL ? COH_RULE_NONE : COH_RULE_METHOD;
    }
    if (method == 0 || line->text.data[method] != ' ') {
        return COH_RULE_METHOD;
    }
    return end == NULL ? COH_RULE_NONE : split_line(line, method);
}

/* --- framing -------------------------------------------------------------- */

/* Of a field value that is not plainly "chunked". */
static enum coh_rule
judge_coding(struct cohort_str coding)
{
    ssize_t parameters = coh_str_index(coding, ';');

    if (coh_str_index(coding, ',') >= 0) {
        return COH_RULE_CODING_LIST;
    }
    if (parameters >= 0) {
        coding = coh_str_trim(coh_str_cut(coding, 0, (size_t)parameters));
    }
    if (!coh_header_is_token(coding) || coh_str_is_nocase(coding, "chunked")) {
        return COH_RULE_CODING_LIST;
    }
    return COH_RULE_CODING_OTHER;
}

enum coh_rule
coh_guard_framing(const struct coh_framing *framing)
{
    if ((framing->seen & coh_header_bit(COH_HEADER_CONTENT_LENGTH)) != 0) {
        return COH_RULE_CODING_LENGTH;
    }
    if (framing->version < 11) {
        return COH_RULE_CODING_VERSION;
    }
    if (!coh_str_is_nocase(framing->coding, "chunked")) {
        return judge_coding(framing->coding);
    }
    return COH_RULE_NONE;
}

/* --- what stands between the data of chunks ------------------------------- */

enum coh_rule
coh_guard_chunk_lines(struct coh_chunk_guard *guard, struct cohort_str bytes)
{
    guard->size += (uint32_t)bytes.size;
    if (bytes.size > CHUNK_LINES_MAX || guard->size > CHUNK_LINES_MAX) {
        return COH_RULE_CHUNK_LINE_SIZE;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];

        if ((c == '\n') != (guard->last == '\r') ||
            (guard->last == '\n' && (c == ' ' || c == '\t'))) {
            return COH_RULE_CHUNK_LINE_END;
        }
        guard->last = c;
    }
    return COH_RULE_NONE;
}
