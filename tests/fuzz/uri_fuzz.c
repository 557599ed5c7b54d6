/* Targets and paths: what is accepted is normal, whatever was sent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/uri.h"

/* No "." or ".." segment is left, and no empty one if slashes were merged. */
static void
check_normal(struct cohort_str path, bool merge_slashes)
{
    size_t begin = 1;

    COH_CHECK(path.size > 0 && path.data[0] == '/');
    COH_CHECK(memchr(path.data, '\0', path.size) == NULL);
    for (size_t i = 1; i <= path.size; i++) {
        if (i < path.size && path.data[i] != '/') {
            continue;
        }
        struct cohort_str segment = coh_str_cut(path, begin, i - begin);

        COH_CHECK(!coh_str_is(segment, ".") && !coh_str_is(segment, ".."));
        COH_CHECK(!merge_slashes || segment.size > 0 || i == path.size);
        begin = i + 1;
    }
}

static void
check_path(struct cohort_str raw, bool merge_slashes, bool is_plain)
{
    char *out = malloc(raw.size);
    ssize_t size = coh_path_normalise(raw, merge_slashes, out);

    COH_CHECK(size < 0 || (size_t)size <= raw.size);
    if (size > 0) {
        check_normal(cohort_str_n(out, (size_t)size), merge_slashes);
    }
    if (is_plain) { /* nothing was to be done */
        COH_CHECK((size_t)size == raw.size);
        COH_CHECK(memcmp(out, raw.data, raw.size) == 0);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coh_target target;

    if (coh_target_parse(cohort_str_n((const char *)data, size), &target) ==
        0) {
        COH_CHECK(target.path.size > 0 && target.path.data[0] == '/');
        check_path(target.path, true, target.is_plain);
        check_path(target.path, false, target.is_plain);
    }
    return 0;
}
