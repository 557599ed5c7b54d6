/* Secrets of all generations. */
#include "server/primary/secrets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/generation.h"
#include "server/primary/upgrade/upgrade_records.h"
#include "server/primary/worker.h"

static bool
is_used(const struct coh_kept_secret *kept)
{
    return kept->use_count > 0 || kept->is_inherited;
}

/* That secret, or a free place; NULL: there is neither. */
static struct coh_kept_secret *
find(struct coh_secrets *secrets, uint32_t size, struct cohort_str name)
{
    struct coh_kept_secret *unused = NULL;

    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        struct coh_kept_secret *kept = &secrets->array[i];

        if (!is_used(kept)) {
            unused = unused ? unused : kept;
        } else if (
            kept->size == size && strlen(kept->name) == name.size &&
            memcmp(kept->name, name.data, name.size) == 0) {
            return kept;
        }
    }
    return unused;
}

static void
call(struct coh_kept_secret *kept, uint32_t size, struct cohort_str name)
{
    memcpy(kept->name, name.data, name.size);
    kept->name[name.size] = '\0';
    kept->size = size;
}

int
coh_secrets_declare(
    struct coh_generation *generation, const struct coh_frame_secret *frame,
    struct cohort_str name)
{
    struct coh_secrets *secrets = &generation->primary->secrets;
    struct coh_kept_secret *kept;
    int result = 0;

    if (frame->index != generation->secret_count ||
        frame->index >= COH_LOAD_SECRETS_MAX || frame->size == 0 ||
        frame->size > COHORT_SECRET_SIZE_MAX || frame->rotate_s == 0 ||
        name.size == 0 || name.size > COHORT_SECRET_NAME_MAX) {
        return -EPROTO;
    }
    kept = find(secrets, frame->size, name);
    if (!kept) {
        return -ENOSPC;
    }
    if (!is_used(kept)) {
        result = coh_secret_init(
            &kept->secret, &generation->primary->loop, frame->rotate_s);
    }
    if (result == 0) {
        call(kept, frame->size, name);
        kept->use_count++;
        generation->secrets[generation->secret_count++] =
            (struct coh_secret_use){
                .index = (uint16_t)(kept - secrets->array),
                .rotate_s = frame->rotate_s,
            };
    }
    return result;
}

static struct coh_kept_secret *
kept_of(struct coh_generation *generation, size_t index)
{
    return &generation->primary->secrets
                .array[generation->secrets[index].index];
}

void
coh_secrets_fini(struct coh_secrets *secrets)
{
    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        struct coh_kept_secret *kept = &secrets->array[i];

        if (kept->is_inherited && kept->use_count == 0) {
            coh_secret_fini(&kept->secret);
        }
        kept->is_inherited = false;
    }
}

void
coh_secrets_commit(struct coh_generation *generation)
{
    coh_secrets_fini(&generation->primary->secrets);
    for (size_t i = 0; i < generation->secret_count; i++) {
        coh_secret_set_rotation(
            &kept_of(generation, i)->secret, generation->secrets[i].rotate_s);
    }
}

int
coh_secrets_send(struct coh_worker *worker)
{
    struct coh_generation *generation = worker->generation;
    int result = 0;

    for (size_t i = 0; result == 0 && i < generation->secret_count; i++) {
        struct coh_frame_answer frame = {.index = (uint32_t)i};

        result = coh_channel_send_fds(
            &worker->channel, COH_FRAME_SECRET_OPEN, &frame, sizeof(frame),
            &kept_of(generation, i)->secret.fd, 1);
    }
    return result;
}

void
coh_secrets_release(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->secret_count; i++) {
        struct coh_kept_secret *kept = kept_of(generation, i);

        if (--kept->use_count == 0 && !kept->is_inherited) {
            coh_secret_fini(&kept->secret);
        }
    }
    generation->secret_count = 0;
}

/* --- from one primary to the next ----------------------------------------- */

size_t
coh_secrets_describe(
    const struct coh_secrets *secrets, struct coh_state *state, int *fds)
{
    size_t count = 0;

    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        const struct coh_kept_secret *kept = &secrets->array[i];
        const struct coh_state_secret record = {
            .name = cohort_str(kept->name),
            .size = kept->size,
            .rotate_s = kept->secret.rotate_s,
            .left_s = is_used(kept) ? coh_secret_left(&kept->secret) : 0,
        };

        if (is_used(kept)) {
            coh_state_add_secret(state, &record);
            fds[count++] = kept->secret.fd;
        }
    }
    return count;
}

int
coh_secrets_inherit(
    struct coh_secrets *secrets, struct coh_loop *loop,
    const struct coh_state_record *record, int fd)
{
    struct coh_state_secret told;
    struct coh_kept_secret *kept;
    int result = coh_state_read_secret(record, &told);

    if (result < 0) {
        return result;
    }
    kept = find(secrets, told.size, told.name);
    if (!kept || is_used(kept)) {
        return -EPROTO;
    }
    result =
        coh_secret_adopt(&kept->secret, loop, told.rotate_s, told.left_s, fd);
    if (result == 0) {
        call(kept, told.size, told.name);
        kept->is_inherited = true;
    }
    return result;
}

/* --- the end -------------------------------------------------------------- */

void
coh_secrets_forget(struct coh_secrets *secrets)
{
    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        if (is_used(&secrets->array[i])) {
            close(secrets->array[i].secret.fd);
        }
    }
}
