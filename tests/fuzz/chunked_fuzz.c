/* Chunked bodies: any split gives the same data and the same verdict. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/h1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    bool is_refused;
    bool is_complete;
    size_t taken; /* of the input, if complete */
    size_t size;
    char data[4096];
};

static void
read_parts(
    struct coh_h1_body *body, struct cohort_str *input, struct result *result)
{
    struct cohort_str data;

    do {
        if (coh_h1_body_next(body, input, &data) != COH_RULE_NONE) {
            result->is_refused = true;
            return;
        }
        COH_CHECK(result->size + data.size <= sizeof(result->data));
        for (size_t i = 0; i < data.size; i++) {
            result->data[result->size++] = data.data[i];
        }
    } while (data.size > 0);
}

/* Read text in parts of step bytes, each in memory of its own size. */
static void
read_body(
    const struct coh_h1_head *head, struct cohort_str text, size_t step,
    struct result *result)
{
    struct coh_h1_body body;
    size_t at = 0;

    memset(result, 0, sizeof(*result));
    coh_h1_body_init(&body, head);
    while (at < text.size && !body.is_complete && !result->is_refused) {
        size_t part = text.size - at < step ? text.size - at : step;
        char *copy = malloc(part);
        struct cohort_str input = cohort_str_n(copy, part);

        memcpy(copy, text.data + at, part);
        read_parts(&body, &input, result);
        at += part - input.size;
        COH_CHECK(input.size == 0 || body.is_complete || result->is_refused);
        free(copy);
    }
    result->is_complete = body.is_complete && !result->is_refused;
    result->taken = at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char fields[] =
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    static struct coh_header slots[8];
    static struct result whole;
    static struct result split;
    struct coh_h1_head head = {.slots = slots, .slot_count = 8};
    struct cohort_str text = cohort_str_n((const char *)data, size);

    if (size > 4096) {
        return 0;
    }
    coh_h1_init();
    COH_CHECK(coh_h1_read_head(&head, fields, sizeof(fields) - 1) == 0);
    read_body(&head, text, size > 0 ? size : 1, &whole);
    for (size_t step = 1; step < 4; step++) {
        read_body(&head, text, step, &split);
        COH_CHECK(split.is_complete == whole.is_complete);
        COH_CHECK(split.is_refused == whole.is_refused);
        if (whole.is_complete) {
            COH_CHECK(split.taken == whole.taken);
            COH_CHECK(split.size == whole.size);
            COH_CHECK(memcmp(split.data, whole.data, whole.size) == 0);
            COH_CHECK(memcmp(text.data + whole.taken - 2, "\r\n", 2) == 0);
        }
    }
    return 0;
}
