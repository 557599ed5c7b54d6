/* Bodies for the admin service: what is taken can be written and read again,
   and the values that handlers look for are within what they allow. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/json.h"

#define BODY_MAX (64 * 1024)
#define TEXT_MAX (8 * BODY_MAX) /* escaped, a byte takes six */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the handlers of /v1/groups and /v1/workers read. */
static void
look_for_members(const struct coh_json *body)
{
    struct cohort_str text;
    int64_t number;
    int result = coh_json_get_integer(
        coh_json_member(body, "processes"), 1, 4096, &number);

    COH_CHECK(result != 0 || (number >= 1 && number <= 4096));
    result =
        coh_json_get_integer(coh_json_member(body, "signal"), 1, 31, &number);
    COH_CHECK(result != 0 || (number >= 1 && number <= 31));
    if (coh_json_get_string(coh_json_member(body, "group"), &text) == 0) {
        COH_CHECK(text.data[text.size] == '\0');
    }
}

/* The same text comes out of what was written. */
static void
write_again(const struct coh_json *value)
{
    static char first[TEXT_MAX];
    static char second[TEXT_MAX];
    struct coh_json *again = NULL;
    ssize_t size = coh_json_write(value, first, sizeof(first));

    COH_CHECK(size > 0);
    COH_CHECK(
        coh_json_parse(
            cohort_str_n(first, (size_t)size), sizeof(first), &again, NULL) ==
        0);
    COH_CHECK(coh_json_write(again, second, sizeof(second)) == size);
    COH_CHECK(memcmp(first, second, (size_t)size) == 0);
    coh_json_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cohort_str text = cohort_str_n((const char *)data, size);
    struct coh_json_error error = {0};
    struct coh_json *value = NULL;
    int result = coh_json_parse(text, BODY_MAX, &value, &error);

    COH_CHECK((result == 0) == (value != NULL));
    if (result == 0) {
        look_for_members(value);
        write_again(value);
    } else if (result != -ENOMEM) {
        COH_CHECK(error.reason && error.reason[0]);
        COH_CHECK(error.offset <= size && error.line > 0 && error.column > 0);
    }
    coh_json_free(value);
    return 0;
}
