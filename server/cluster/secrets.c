/* Secrets of clusters: by name and size, perhaps of several that follow each
   other. */
#include "server/cluster/secrets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cluster/cluster.h"
#include "server/process/secret.h"

struct kept_secret {
    char name[COHORT_SECRET_NAME_MAX + 1];
    uint32_t size;
    struct coh_secret secret;
};

struct coh_cluster_secrets {
    unsigned user_count; /* clusters */
    size_t count;
    struct kept_secret array[COH_CLUSTER_SECRETS_MAX];
};

static struct coh_cluster_secrets *
secrets_of(struct coh_cluster *cluster)
{
    if (cluster->secrets == NULL) {
        cluster->secrets = calloc(1, sizeof(*cluster->secrets));
        if (cluster->secrets != NULL) {
            cluster->secrets->user_count = 1;
        }
    }
    return cluster->secrets;
}

static struct kept_secret *
find(struct coh_cluster_secrets *secrets, struct cohort_str name, uint32_t size)
{
    for (size_t i = 0; i < secrets->count; i++) {
        struct kept_secret *kept = &secrets->array[i];

        if (kept->size == size && strlen(kept->name) == name.size &&
            memcmp(kept->name, name.data, name.size) == 0) {
            return kept;
        }
    }
    return NULL;
}

static int
make(
    struct coh_cluster *cluster, struct cohort_str name, uint32_t size,
    uint64_t rotate_s)
{
    struct coh_cluster_secrets *secrets = cluster->secrets;
    struct kept_secret *kept = &secrets->array[secrets->count];
    int result;

    if (secrets->count == COH_CLUSTER_SECRETS_MAX) {
        return -ENOSPC;
    }
    result = coh_secret_init(&kept->secret, cluster->loop, rotate_s);
    if (result < 0) {
        return result;
    }
    memcpy(kept->name, name.data, name.size);
    kept->name[name.size] = '\0';
    kept->size = size;
    secrets->count++;
    return kept->secret.fd;
}

int
coh_cluster_secret(
    struct coh_cluster *cluster, struct cohort_str name, uint32_t size,
    uint64_t rotate_s)
{
    struct coh_cluster_secrets *secrets = secrets_of(cluster);
    struct kept_secret *kept;

    if (secrets == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        coh_secret_resume(&secrets->array[i].secret);
    }
    kept = find(secrets, name, size);
    if (kept == NULL) {
        return make(cluster, name, size, rotate_s);
    }
    coh_secret_set_rotation(&kept->secret, rotate_s);
    return kept->secret.fd;
}

void
coh_cluster_secrets_share(
    struct coh_cluster *cluster, struct coh_cluster *other)
{
    cluster->secrets = secrets_of(other);
    if (cluster->secrets != NULL) {
        cluster->secrets->user_count++;
    }
}

void
coh_cluster_secrets_rest(struct coh_cluster *cluster)
{
    struct coh_cluster_secrets *secrets = cluster->secrets;

    if (secrets == NULL || secrets->user_count > 1) {
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        coh_secret_pause(&secrets->array[i].secret);
    }
}

void
coh_cluster_secrets_leave(struct coh_cluster *cluster)
{
    struct coh_cluster_secrets *secrets = cluster->secrets;

    cluster->secrets = NULL;
    if (secrets == NULL || --secrets->user_count > 0) {
        return;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        coh_secret_fini(&secrets->array[i].secret);
    }
    free(secrets);
}

/* Another cluster may have them, too: each is closed once. */
void
coh_cluster_secrets_forget(struct coh_cluster *cluster)
{
    struct coh_cluster_secrets *secrets = cluster->secrets;

    for (size_t i = 0; secrets != NULL && i < secrets->count; i++) {
        struct coh_secret *secret = &secrets->array[i].secret;

        if (secret->fd >= 0) {
            close(secret->fd);
            secret->fd = -1;
        }
    }
}
