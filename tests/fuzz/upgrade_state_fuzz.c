/* Any bytes as the state that another primary hands over: read to the end,
   every record in every way. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/primary/upgrade/upgrade_records.h"

/* Where the head has the size of everything. */
#define SIZE_AT 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All bytes that a counter points at are there. */
static void
touch(struct cohort_str text)
{
    volatile char sum = 0;

    for (size_t i = 0; i < text.size; i++) {
        sum = (char)(sum + text.data[i]);
    }
}

static void
read_record(const struct coh_state_record *record)
{
    struct coh_state_listener listener;
    struct coh_state_counter counter;
    struct coh_state_secret secret;
    struct coh_state_target target;
    char text[COH_ADDR_TEXT_MAX];

    if (coh_state_read_listener(record, &listener) == 0) {
        coh_addr_format(&listener.address, text);
    }
    if (coh_state_read_counter(record, &counter) == 0) {
        touch(counter.counter.name);
        touch(counter.counter.help);
        touch(counter.counter.labels);
    }
    if (coh_state_read_secret(record, &secret) == 0) {
        touch(secret.name);
    }
    if (coh_state_read_target(record, &target) == 0) {
        touch(target.name);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coh_state_reader reader;
    struct coh_state_record record;
    char why[COH_STATE_WHY_MAX];
    unsigned char *copy = malloc(size + 1); /* aligned, its end is watched */
    uint64_t right = size;

    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (size % 2 == 0 && size >= SIZE_AT + sizeof(right)) {
        memcpy(
            copy + SIZE_AT, &right, sizeof(right)); /* rarely hit by chance */
    }
    if (coh_state_open(&reader, copy, size, why) == 0) {
        while (coh_state_next(&reader, &record) > 0) {
            read_record(&record);
        }
    } else if (why[0] == '\0') {
        abort(); /* a refusal says why */
    }
    free(copy);
    return 0;
}
