/* The secrets that services have declared: made here, kept over generations,
   handed to every worker. None is ever logged. */
#ifndef COH_PRIMARY_SECRETS_H
#define COH_PRIMARY_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

#include "server/channel/message.h"
#include "server/process/secret.h"

struct coh_generation;
struct coh_loop;
struct coh_state;
struct coh_state_record;
struct coh_worker;

#define COH_SECRETS_MAX 64 /* of all generations together */

/* A secret with its name; known by name and size over generations. */
struct coh_kept_secret {
    char name[COHORT_SECRET_NAME_MAX + 1];
    uint32_t size;
    unsigned use_count; /* generations that have declared it */
    bool is_inherited;  /* from another primary, until a generation serves */
    struct coh_secret secret;
};

struct coh_secrets {
    struct coh_kept_secret array[COH_SECRETS_MAX];
};

/* What a generation has declared: places in the array. */
struct coh_secret_use {
    uint16_t index;
    uint64_t rotate_s;
};

/* A template declares the next one of its generation. 0; -EPROTO for a frame
   that cannot be; -errno when it cannot be made. */
int coh_secrets_declare(
    struct coh_generation *generation, const struct coh_frame_secret *frame,
    struct cohort_str name);

/* The generation serves: they are rotated as it says. */
void coh_secrets_commit(struct coh_generation *generation);

/* Tell a worker all that its generation has. 0 or -errno. */
int coh_secrets_send(struct coh_worker *worker);

/* The generation is gone: what nobody else has declared is wiped. */
void coh_secrets_release(struct coh_generation *generation);

/* Write all of them down for another primary: a record and a descriptor each;
   fds has room for COH_SECRETS_MAX. How many. */
size_t coh_secrets_describe(
    const struct coh_secrets *secrets, struct coh_state *state, int *fds);

/* The same at the other primary: what its first generation declares will be
   there. fd stays the caller's. 0 or -errno. */
int coh_secrets_inherit(
    struct coh_secrets *secrets, struct coh_loop *loop,
    const struct coh_state_record *record, int fd);

/* Wipe what was inherited and no generation has declared. */
void coh_secrets_fini(struct coh_secrets *secrets);

/* In a forked child: close their descriptors; the memory is not there. */
void coh_secrets_forget(struct coh_secrets *secrets);

#endif
