/* Values of secrets: made, rotated, read, wiped. */
#include "server/process/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/event.h"
#include "core/rng.h"
#include "core/shm.h"

/* --- values --------------------------------------------------------------- */

static void
fill_all(struct coh_secret_area *area)
{
    for (size_t i = 0; i < COH_SECRET_RING - 1; i++) {
        coh_random_bytes(area->values[i], sizeof(area->values[i]));
    }
    atomic_store(&area->epoch, 1); /* the one between two others */
}

/* Who reads the one that is wiped sees afterwards that the epoch is another. */
void
coh_secret_rotate(struct coh_secret_area *area)
{
    uint64_t epoch = atomic_load(&area->epoch);

    coh_random_bytes(
        area->values[(epoch + 2) % COH_SECRET_RING], COHORT_SECRET_SIZE_MAX);
    atomic_store(&area->epoch, epoch + 1);
    atomic_thread_fence(memory_order_release);
    explicit_bzero(
        area->values[(epoch - 1) % COH_SECRET_RING], COHORT_SECRET_SIZE_MAX);
}

void
coh_secret_read(
    const struct coh_secret_area *area, enum cohort_secret_age age, void *out,
    size_t size)
{
    static const int steps[] = {
        [COHORT_SECRET_CURRENT] = 0,
        [COHORT_SECRET_PREVIOUS] = -1,
        [COHORT_SECRET_NEXT] = 1,
    };
    uint64_t epoch;
    uint64_t after;

    do {
        epoch = atomic_load(&area->epoch);
        memcpy(
            out, area->values[(epoch + (uint64_t)steps[age]) % COH_SECRET_RING],
            size);
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&area->epoch, memory_order_relaxed);
    } while (after != epoch);
}

/* --- where secrets are made ----------------------------------------------- */

static void
start_timer(struct coh_secret *secret, uint64_t seconds)
{
    const struct timeval delay = {.tv_sec = (time_t)seconds};

    event_add(&secret->timer, &delay);
}

static void
on_due(evutil_socket_t fd, short what, void *user)
{
    struct coh_secret *secret = user;

    (void)fd;
    (void)what;
    coh_secret_rotate(secret->area);
    start_timer(secret, secret->rotate_s);
}

int
coh_secret_init(
    struct coh_secret *secret, struct coh_loop *loop, uint64_t rotate_s)
{
    void *memory = NULL;

    *secret = (struct coh_secret){.rotate_s = rotate_s};
    secret->fd = coh_shm_create_owned(
        "cohort-secret", sizeof(struct coh_secret_area), &memory);
    if (secret->fd < 0) {
        return secret->fd;
    }
    secret->area = memory;
    event_assign(
        &secret->timer, loop ? loop->base : NULL, -1, 0, on_due, secret);
    fill_all(secret->area);
    if (loop) {
        start_timer(secret, rotate_s);
    }
    return 0;
}

int
coh_secret_adopt(
    struct coh_secret *secret, struct coh_loop *loop, uint64_t rotate_s,
    uint64_t left_s, int fd)
{
    const struct coh_secret_area *from = coh_secret_map(fd);
    int result;

    if (!from) {
        return -errno;
    }
    result = coh_secret_init(secret, loop, rotate_s);
    if (result == 0) {
        memcpy(secret->area->values, from->values, sizeof(from->values));
        atomic_store(&secret->area->epoch, atomic_load(&from->epoch));
        start_timer(secret, left_s < rotate_s ? left_s : rotate_s);
    }
    coh_secret_unmap(from);
    return result;
}

uint64_t
coh_secret_left(const struct coh_secret *secret)
{
    struct timeval due;
    struct timeval now;

    if (!event_pending(&secret->timer, EV_TIMEOUT, &due)) {
        return secret->rotate_s;
    }
    gettimeofday(&now, NULL);
    return due.tv_sec > now.tv_sec ? (uint64_t)(due.tv_sec - now.tv_sec) : 0;
}

void
coh_secret_set_rotation(struct coh_secret *secret, uint64_t rotate_s)
{
    if (secret->rotate_s != rotate_s) {
        secret->rotate_s = rotate_s;
        start_timer(secret, rotate_s);
    }
}

void
coh_secret_pause(struct coh_secret *secret)
{
    if (!secret->is_paused) {
        secret->is_paused = true;
        secret->left_s = coh_secret_left(secret);
        event_del(&secret->timer);
    }
}

void
coh_secret_resume(struct coh_secret *secret)
{
    if (secret->is_paused) {
        secret->is_paused = false;
        start_timer(secret, secret->left_s);
    }
}

void
coh_secret_fini(struct coh_secret *secret)
{
    if (secret->fd < 0) {
        return;
    }
    event_del(&secret->timer);
    explicit_bzero(secret->area->values, sizeof(secret->area->values));
    coh_shm_unmap(secret->area, sizeof(*secret->area));
    close(secret->fd);
    secret->fd = -1;
    secret->area = NULL;
}

/* --- where they are used -------------------------------------------------- */

const struct coh_secret_area *
coh_secret_map(int fd)
{
    return coh_shm_map_owned(fd, sizeof(struct coh_secret_area));
}

void
coh_secret_unmap(const struct coh_secret_area *area)
{
    coh_shm_unmap((void *)(uintptr_t)area, sizeof(*area)); /* NULL is fine */
}
