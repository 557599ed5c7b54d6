/* Bytes that were received and wait until they can be read. */
#include "http/held.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"

/* What most heads need that come in two parts; then doubled. */
#define ROOM_MIN 1024

static struct coh_held *
allocate(size_t size)
{
    size_t room = ROOM_MIN;
    struct coh_held *held;

    while (room < size) {
        room *= 2;
    }
    held = malloc(sizeof(*held) + room);
    if (held == NULL) {
        coh_die_memory(room);
    }
    held->room = room;
    return held;
}

void
coh_held_set(struct coh_held **held, struct cohort_str bytes)
{
    if (*held != NULL && (bytes.size == 0 || (*held)->room < bytes.size)) {
        free(*held);
        *held = NULL;
    }
    if (bytes.size == 0) {
        return;
    }
    if (*held == NULL) {
        *held = allocate(bytes.size);
    }
    memcpy((*held)->data, bytes.data, bytes.size);
    (*held)->size = bytes.size;
}
