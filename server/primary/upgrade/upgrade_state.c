/* Records in a memory file: a head, then {type, size} and bytes each. */
#include "server/primary/upgrade/upgrade_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/shm.h"

#define ALIGN 8

static const char magic[12] = "cohortstate";

struct head {
    char magic[sizeof(magic)];
    uint32_t version;
    uint64_t size; /* of everything, this included */
};

/* A multiple of ALIGN long, as is what follows. */
struct record {
    uint32_t type;
    uint32_t size; /* of the bytes behind it, without what aligns the next */
};

static size_t
aligned(size_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* --- written -------------------------------------------------------------- */

static unsigned char *
append(struct coh_state *state, size_t size)
{
    unsigned char *place;

    if (state->error != 0) {
        return NULL;
    }
    if (size > COH_STATE_MAX - state->size) {
        state->error = -EFBIG;
        return NULL;
    }
    if (state->size + size > state->capacity) {
        size_t capacity = 2 * (state->size + size);
        unsigned char *grown = realloc(state->data, capacity);

        if (grown == NULL) {
            state->error = -ENOMEM;
            return NULL;
        }
        state->data = grown;
        state->capacity = capacity;
    }
    place = state->data + state->size;
    memset(place, 0, size);
    state->size += size;
    return place;
}

void
coh_state_init(struct coh_state *state)
{
    struct head head = {.version = COH_STATE_VERSION};
    unsigned char *place;

    *state = (struct coh_state){.data = NULL};
    memcpy(head.magic, magic, sizeof(magic));
    place = append(state, sizeof(head));
    if (place != NULL) {
        memcpy(place, &head, sizeof(head));
    }
}

void
coh_state_fini(struct coh_state *state)
{
    free(state->data);
    *state = (struct coh_state){.data = NULL};
}

void
coh_state_add(
    struct coh_state *state, enum coh_state_type type,
    const struct iovec *parts, size_t part_count)
{
    struct record record = {.type = (uint32_t)type};
    unsigned char *place;
    size_t size = 0;

    for (size_t i = 0; i < part_count; i++) {
        size += parts[i].iov_len;
    }
    place = size > COH_STATE_MAX
        ? NULL
        : append(state, sizeof(record) + aligned(size));
    if (place == NULL) {
        state->error = state->error != 0 ? state->error : -EFBIG;
        return;
    }
    record.size = (uint32_t)size;
    memcpy(place, &record, sizeof(record));
    place += sizeof(record);
    for (size_t i = 0; i < part_count; i++) {
        memcpy(place, parts[i].iov_base, parts[i].iov_len);
        place += parts[i].iov_len;
    }
}

int
coh_state_seal(const struct coh_state *state)
{
    struct head head;
    void *memory;
    int fd;

    if (state->error != 0) {
        return state->error;
    }
    fd = coh_shm_create("cohort-state", state->size);
    if (fd < 0) {
        return fd;
    }
    memory = coh_shm_map(fd, state->size);
    if (memory == NULL) {
        int result = -errno;

        close(fd);
        return result;
    }
    memcpy(memory, state->data, state->size);
    memcpy(&head, memory, sizeof(head));
    head.size = state->size;
    memcpy(memory, &head, sizeof(head));
    coh_shm_unmap(memory, state->size);
    return fd;
}

/* --- read ----------------------------------------------------------------- */

int
coh_state_open(
    struct coh_state_reader *reader, const void *data, size_t size,
    char why[COH_STATE_WHY_MAX])
{
    struct head head;

    *reader = (struct coh_state_reader){
        .data = data, .size = size, .offset = sizeof(head)};
    if (size < sizeof(head)) {
        snprintf(why, COH_STATE_WHY_MAX, "is cut off after %zu bytes", size);
        return -EPROTO;
    }
    memcpy(&head, data, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0) {
        snprintf(why, COH_STATE_WHY_MAX, "is not that of a cohort");
        return -EPROTO;
    }
    if (head.version != COH_STATE_VERSION) {
        snprintf(
            why, COH_STATE_WHY_MAX,
            "is of version %u, and this binary reads version %d: stop the old "
            "server and start the new one",
            head.version, COH_STATE_VERSION);
        return -EPROTONOSUPPORT;
    }
    if (head.size != size) {
        snprintf(
            why, COH_STATE_WHY_MAX, "is cut off after %zu of %zu bytes", size,
            (size_t)head.size);
        return -EPROTO;
    }
    return 0;
}

int
coh_state_next(struct coh_state_reader *reader, struct coh_state_record *record)
{
    size_t left = reader->size - reader->offset;
    struct record head;

    if (left == 0) {
        return 0;
    }
    if (left < sizeof(head)) {
        return -EPROTO;
    }
    memcpy(&head, reader->data + reader->offset, sizeof(head));
    if (aligned(head.size) > left - sizeof(head)) {
        return -EPROTO;
    }
    *record = (struct coh_state_record){
        .type = head.type,
        .data = reader->data + reader->offset + sizeof(head),
        .size = head.size,
    };
    reader->offset += sizeof(head) + aligned(head.size);
    return 1;
}

/* Read, not mapped: whoever wrote it may still write. */
void *
coh_state_load(int fd, size_t *size)
{
    struct stat status;
    void *data;

    if (fstat(fd, &status) < 0) {
        return NULL;
    }
    if (status.st_size < 0 || status.st_size > COH_STATE_MAX) {
        errno = EFBIG;
        return NULL;
    }
    *size = (size_t)status.st_size;
    data = malloc(*size + 1); /* never NULL for nothing */
    if (data != NULL && pread(fd, data, *size, 0) != status.st_size) {
        free(data);
        errno = EPROTO;
        return NULL;
    }
    return data;
}
