/* A member's secrets: asked for, answered, read. */
#include "server/cluster/asked.h"

#include <errno.h>
#include <string.h>

#include "server/cluster/self.h"
#include "server/process/secret.h"

/* Below are those of a service, which cohort_load_secret() counts. */
#define FIRST_INDEX COH_LOAD_SECRETS_MAX

static int
read_asked(
    const struct cohort_self *base, size_t index, enum cohort_secret_age age,
    void *out)
{
    const struct coh_cluster_self *self = (const struct coh_cluster_self *)base;
    const struct coh_asked_secret *secret;
    int result;

    if (index < FIRST_INDEX || index - FIRST_INDEX >= self->asked.count) {
        return -ENOENT;
    }
    secret = &self->asked.array[index - FIRST_INDEX];
    result = secret->result;
    if (result == 0) {
        coh_secret_read(secret->area, age, out, secret->size);
    }
    return result;
}

int
cohort_self_ask_secret(
    struct cohort_self *base, const char *name, size_t size, uint64_t rotate_s,
    size_t *index)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    size_t name_size = strlen(name);
    struct coh_asked *asked;
    int result;

    if (name_size == 0 || name_size > COHORT_SECRET_NAME_MAX || size == 0 ||
        size > COHORT_SECRET_SIZE_MAX || rotate_s > COH_SECRET_ROTATE_MAX_S) {
        return -EINVAL;
    }
    if (!base->is_member || self->codec->ask_secret == NULL) {
        return -EOPNOTSUPP;
    }
    asked = &self->asked;
    if (self->state >= COH_SELF_PARTING) {
        return -EPIPE;
    }
    if (asked->count == COH_ASKED_SECRETS_MAX) {
        return -ENOSPC;
    }
    result = self->codec->ask_secret(
        self, (uint32_t)asked->count, cohort_str_n(name, name_size),
        (uint32_t)size, rotate_s > 0 ? rotate_s : COH_SECRET_ROTATE_S);
    if (result < 0) {
        return result;
    }
    asked->array[asked->count].size = (uint32_t)size;
    asked->array[asked->count].result = -EAGAIN;
    base->asked_secret = read_asked;
    *index = FIRST_INDEX + asked->count++;
    return 0;
}

int
coh_asked_answer(
    struct coh_cluster_self *self, uint32_t index, int result, int fd)
{
    struct coh_asked_secret *secret;

    if (index >= self->asked.count ||
        self->asked.array[index].result != -EAGAIN) {
        return -EPROTO;
    }
    secret = &self->asked.array[index];
    if (result == 0) {
        secret->area = coh_secret_map(fd);
        result = secret->area != NULL ? 0 : -errno;
    }
    secret->result = result;
    return 0;
}

void
coh_asked_give_up(struct coh_asked *asked)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->array[i].result == -EAGAIN) {
            asked->array[i].result = -EPIPE;
        }
    }
}

void
coh_asked_fini(struct coh_asked *asked)
{
    for (size_t i = 0; i < asked->count; i++) {
        coh_secret_unmap(asked->array[i].area);
    }
    asked->count = 0;
}
