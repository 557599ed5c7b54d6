/* Fields that say under which conditions, and which parts of, a file is wanted:
   ranges are whole, in the file, and together no longer than it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cohort/module/date.h>

#include "core/check.h"
#include "core/str.h"
#include "http/conditional.h"
#include "http/log_escape.h"
#include "http/range.h"

#define LENGTH 1000
#define MAX_RANGES 8

static void
try_ranges(struct cohort_str value)
{
    struct coh_range ranges[MAX_RANGES + 1];
    uint64_t total = 0;
    size_t count;

    if (coh_range_read(value, LENGTH, MAX_RANGES, ranges, &count) != 206) {
        return;
    }
    COH_CHECK(count >= 1 && count <= MAX_RANGES);
    for (size_t i = 0; i < count; i++) {
        COH_CHECK(ranges[i].size > 0 && ranges[i].first < LENGTH);
        COH_CHECK(ranges[i].first + ranges[i].size <= LENGTH);
        total += ranges[i].size;
    }
    COH_CHECK(total <= LENGTH);
}

static void
try_conditions(struct cohort_str value)
{
    struct coh_validators validators = {
        .etag = COH_STR("\"a\""),
        .modified = 784111777,
    };
    struct coh_conditions conditions = {
        .if_match = value,
        .if_unmodified_since = value,
        .if_none_match = value,
        .if_modified_since = value,
    };
    int status = coh_conditional_status(&conditions, &validators);

    COH_CHECK(status == 200 || status == 304 || status == 412);
    (void)coh_if_range_allows(value, &validators);
}

static void
try_log(struct cohort_str value)
{
    char *out = malloc(COH_LOG_ESCAPE_JSON_MAX * value.size + 1);
    char *end = coh_log_escape_default(out, value);

    for (char *at = out; at < end; at++) {
        COH_CHECK(*at >= 0x20 && *at < 0x7f && *at != '"');
    }
    (void)coh_log_escape_json(out, value);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cohort_str value = cohort_str_n((const char *)data, size);

    try_ranges(value);
    try_conditions(value);
    try_log(value);
    return 0;
}
