/* What one primary tells another, of this version or of another one: records
   in a memory file. */
#ifndef COH_PRIMARY_UPGRADE_STATE_H
#define COH_PRIMARY_UPGRADE_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Raise it when a reader of before would go wrong. One more type of record, or
   more bytes at the end of one, need no other number. */
#define COH_STATE_VERSION 1

#define COH_STATE_MAX (16 * 1024 * 1024)
#define COH_STATE_WHY_MAX 256

/* Numbers stay what they are for ever. */
enum coh_state_type {
    COH_STATE_LISTENER = 1, /* upgrade_records.h */
    COH_STATE_COUNTER = 2,
    COH_STATE_SECRET = 3,
    COH_STATE_TARGET = 4,
};

/* --- written -------------------------------------------------------------- */

struct coh_state {
    unsigned char *data;
    size_t size;
    size_t capacity;
    int error; /* the first one; 0: none */
};

void coh_state_init(struct coh_state *state);
void coh_state_fini(struct coh_state *state);

/* Append a record of several parts that lie one behind the other. Errors are
   kept for coh_state_seal. */
void coh_state_add(
    struct coh_state *state, enum coh_state_type type,
    const struct iovec *parts, size_t part_count);

/* A memory file of all records, which nobody can make longer or shorter. The
   descriptor, or -errno. */
int coh_state_seal(const struct coh_state *state);

/* --- read ----------------------------------------------------------------- */

struct coh_state_record {
    uint32_t type; /* enum coh_state_type, or one that we do not know */
    const unsigned char *data; /* aligned by 8 */
    size_t size;
};

struct coh_state_reader {
    const unsigned char *data;
    size_t size;
    size_t offset;
};

/*
 * Begin to read.
 *
 * data     Aligned by 8; stays the caller's.
 * why      On failure: what is wrong, to follow "the state ".
 * Returns  0; -EPROTO: it is none; -EPROTONOSUPPORT: of another version.
 */
int coh_state_open(
    struct coh_state_reader *reader, const void *data, size_t size,
    char why[COH_STATE_WHY_MAX]);

/* The next record: 1; 0 after the last one; -EPROTO. */
int coh_state_next(
    struct coh_state_reader *reader, struct coh_state_record *record);

/* The bytes of a memory file, on the heap; *size is set. NULL with errno set;
   EFBIG above COH_STATE_MAX. */
void *coh_state_load(int fd, size_t *size);

#endif
