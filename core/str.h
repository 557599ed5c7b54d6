/* What can be asked of counted strings. ASCII only, never the locale. */
#ifndef COH_CORE_STR_H
#define COH_CORE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/str.h>

#define COH_STR(literal) (cohort_str_n("" literal, sizeof(literal) - 1))

bool coh_str_equal(struct cohort_str a, struct cohort_str b);
bool coh_str_equal_nocase(struct cohort_str a, struct cohort_str b);
bool coh_str_is(struct cohort_str str, const char *text);
bool coh_str_is_nocase(struct cohort_str str, const char *text);
bool coh_str_starts_with(struct cohort_str str, struct cohort_str prefix);
bool coh_str_ends_with(struct cohort_str str, struct cohort_str suffix);

/* Bytewise order, a shorter prefix first. */
int coh_str_compare(struct cohort_str a, struct cohort_str b);

/* Index of the first byte c, or -1. */
ssize_t coh_str_index(struct cohort_str str, char c);
/* Index of the last byte c, or -1. */
ssize_t coh_str_rindex(struct cohort_str str, char c);

struct cohort_str coh_str_cut(struct cohort_str str, size_t from, size_t size);
struct cohort_str coh_str_from(struct cohort_str str, size_t from);

/* Without blanks and tabs at both ends. */
struct cohort_str coh_str_trim(struct cohort_str str);

/* Decimal digits only, at least one, at most max: 0, -EINVAL or -ERANGE. */
int coh_str_to_u64(struct cohort_str str, uint64_t max, uint64_t *value);

/* 0..15, or -1. */
int coh_hex_value(char c);

/* Write value in decimal at out, which has room for 20 bytes; the size. */
size_t coh_u64_format(char *out, uint64_t value);

static inline char
coh_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* A spelling distance (insertion, deletion, change, swap), at most limit + 1;
   for "did you mean". */
unsigned coh_str_distance(
    struct cohort_str a, struct cohort_str b, unsigned limit);

#endif
