/* How values are written into logs: most need no change, which is found out
   eight bytes at a time. */
#include "http/log_escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEF";

/* The same byte eight times. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A bit for each byte that is zero (the highest of it), perhaps also for bytes
   above one: enough to know that there is none. */
static uint64_t
zeros(uint64_t word)
{
    return (word - EACH(0x01)) & ~word & EACH(0x80);
}

/* A bit for each of eight bytes that is below 0x20, above 0x7e, a quote or a
   backslash; perhaps more bits then, but none if there is no such byte. */
static uint64_t
unplain_bits(const char *bytes)
{
    uint64_t word;
    uint64_t below;
    uint64_t high;

    memcpy(&word, bytes, sizeof(word));
    below = (word - EACH(0x20)) & ~word;
    high = word | (word + EACH(0x01));
    return ((below | high) & EACH(0x80)) | zeros(word ^ EACH('"')) |
        zeros(word ^ EACH('\\'));
}

/* True if no byte has to be escaped. size is 8 at least: the last word may
   overlap the one before. */
static bool
is_plain_text(const char *text, size_t size)
{
    const char *last = text + size - 8;
    uint64_t bits = 0;

    for (;;) {
        if (text > last) {
            text = last;
        }
        bits |= unplain_bits(text);
        if (text == last) {
            return bits == 0;
        }
        text += 8;
    }
}

static bool
is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\';
}

static char *
escape_byte(char *out, unsigned char byte)
{
    *out++ = '\\';
    *out++ = 'x';
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
    return out;
}

char *
coh_log_escape_default(char *out, struct cohort_str value)
{
    size_t i;

    if (value.size == 0) {
        *out = '-';
        return out + 1;
    }
    if (value.size >= 8 && is_plain_text(value.data, value.size)) {
        return mempcpy(out, value.data, value.size);
    }
    for (i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];

        if (is_plain(byte)) {
            *out++ = (char)byte;
        } else {
            out = escape_byte(out, byte);
        }
    }
    return out;
}

/* The letter of a short form, or 0. */
static char
json_letter(unsigned char byte)
{
    switch (byte) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '"':
    case '\\':
        return (char)byte;
    default:
        return 0;
    }
}

char *
coh_log_escape_json(char *out, struct cohort_str value)
{
    size_t i;

    for (i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        char letter = json_letter(byte);

        if (letter) {
            *out++ = '\\';
            *out++ = letter;
        } else if (byte < 0x20) {
            memcpy(out, "\\u00", 4);
            out[4] = digits[byte >> 4];
            out[5] = digits[byte & 15];
            out += 6;
        } else {
            *out++ = (char)byte;
        }
    }
    return out;
}
