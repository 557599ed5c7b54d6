/* Secrets of all generations. */
#include "server/primary/secrets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/generation.h"
#include "server/primary/worker.h"

static struct coh_kept_secret *
find(
    struct coh_secrets *secrets, const struct coh_frame_secret *frame,
    struct cohort_str name)
{
    struct coh_kept_secret *unused = NULL;

    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        struct coh_kept_secret *kept = &secrets->array[i];

        if (kept->use_count == 0) {
            unused = unused ? unused : kept;
        } else if (
            kept->size == frame->size && strlen(kept->name) == name.size &&
            memcmp(kept->name, name.data, name.size) == 0) {
            return kept;
        }
    }
    return unused;
}

static int
make(
    struct coh_kept_secret *kept, struct coh_loop *loop,
    const struct coh_frame_secret *frame, struct cohort_str name)
{
    int result = coh_secret_init(&kept->secret, loop, frame->rotate_s);

    if (result == 0) {
        memcpy(kept->name, name.data, name.size);
        kept->name[name.size] = '\0';
        kept->size = frame->size;
    }
    return result;
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
    kept = find(secrets, frame, name);
    if (!kept) {
        return -ENOSPC;
    }
    if (kept->use_count == 0) {
        result = make(kept, &generation->primary->loop, frame, name);
    }
    if (result == 0) {
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
coh_secrets_commit(struct coh_generation *generation)
{
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

        if (--kept->use_count == 0) {
            coh_secret_fini(&kept->secret);
        }
    }
    generation->secret_count = 0;
}

void
coh_secrets_forget(struct coh_secrets *secrets)
{
    for (size_t i = 0; i < COH_SECRETS_MAX; i++) {
        if (secrets->array[i].use_count > 0) {
            close(secrets->array[i].secret.fd);
        }
    }
}
