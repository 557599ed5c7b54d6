/* Reads values: sizes, times, numbers, flags. */
#include <cohort/conf.h>

#include <errno.h>

#include "core/str.h"

int
cohort_parse_number(struct cohort_str text, uint64_t max, uint64_t *value)
{
    return coh_str_to_u64(text, max, value);
}

int
cohort_parse_flag(struct cohort_str text, bool *value)
{
    if (coh_str_is_nocase(text, "on")) {
        *value = true;
        return 0;
    }
    if (coh_str_is_nocase(text, "off")) {
        *value = false;
        return 0;
    }
    return -EINVAL;
}

/* How far a letter behind a size shifts it; -1 if it is none. */
static int
size_shift(char letter, bool is_offset)
{
    switch (coh_lower(letter)) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return is_offset ? 30 : -1;
    default:
        return -1;
    }
}

int
cohort_parse_size(struct cohort_str text, bool is_offset, uint64_t *bytes)
{
    int shift = 0;
    uint64_t value;
    int result;

    if (text.size > 1) {
        shift = size_shift(text.data[text.size - 1], is_offset);
        if (shift >= 0) {
            text.size--;
        } else {
            shift = 0; /* a digit, or what the number parser refuses */
        }
    }
    /* Sizes fit into off_t. */
    result = coh_str_to_u64(text, (uint64_t)INT64_MAX >> shift, &value);
    if (result < 0) {
        return result;
    }
    *bytes = value << shift;
    return 0;
}

static const struct time_unit {
    char name[3];
    uint64_t ms;
} time_units[] = {
    {"y", 365ull * 24 * 60 * 60 * 1000},
    {"M", 30ull * 24 * 60 * 60 * 1000},
    {"w", 7ull * 24 * 60 * 60 * 1000},
    {"d", 24ull * 60 * 60 * 1000},
    {"h", 60ull * 60 * 1000},
    {"m", 60ull * 1000},
    {"s", 1000},
    {"ms", 1},
};
#define TIME_UNIT_COUNT (sizeof(time_units) / sizeof(time_units[0]))
#define TIME_UNIT_SECONDS 6 /* index of "s", which may be left out */

static size_t
count_while(struct cohort_str text, bool (*is_one)(char c))
{
    size_t size = 0;

    while (size < text.size && is_one(text.data[size])) {
        size++;
    }
    return size;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return coh_lower(c) >= 'a' && coh_lower(c) <= 'z';
}

static bool
is_space(char c)
{
    return c == ' ';
}

/* The index of the unit that the letters name, or -1. */
static int
find_time_unit(struct cohort_str letters)
{
    if (letters.size == 0) {
        return TIME_UNIT_SECONDS;
    }
    for (size_t i = 0; i < TIME_UNIT_COUNT; i++) {
        if (coh_str_is(letters, time_units[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

/* Take "30m" and the blanks behind it off the front of text. */
static int
take_time_part(struct cohort_str *text, int *unit, uint64_t *ms)
{
    struct cohort_str digits = *text;
    struct cohort_str letters;
    uint64_t value;
    int result;

    digits.size = count_while(*text, is_digit);
    letters = coh_str_from(*text, digits.size);
    letters.size = count_while(letters, is_letter);
    *unit = find_time_unit(letters);
    if (*unit < 0) {
        return -EINVAL;
    }
    result = coh_str_to_u64(
        digits, (uint64_t)INT64_MAX / time_units[*unit].ms, &value);
    if (result < 0) {
        return result;
    }
    *ms = value * time_units[*unit].ms;
    *text = coh_str_from(*text, digits.size + letters.size);
    *text = coh_str_from(*text, count_while(*text, is_space));
    return 0;
}

int
cohort_parse_time_ms(struct cohort_str text, uint64_t *ms)
{
    uint64_t total = 0;
    int unit_before = -1;

    do {
        uint64_t part;
        int unit;
        int result = take_time_part(&text, &unit, &part);

        if (result < 0) {
            return result;
        }
        /* Each unit once, the larger before the smaller. */
        if (unit <= unit_before) {
            return -EINVAL;
        }
        if (part > (uint64_t)INT64_MAX - total) {
            return -ERANGE;
        }
        total += part;
        unit_before = unit;
    } while (text.size > 0);
    *ms = total;
    return 0;
}
