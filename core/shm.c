/* Memory shared with other processes: a sealed memfd. */
#include "core/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* Older kernels do not know the flag; newer ones may insist on it. */
int
coh_shm_create_empty(const char *name)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd;

    fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create(name, flags);
    }
    return fd < 0 ? -errno : fd;
}

static int
create_sized(const char *name, size_t size)
{
    int fd;

    if (size > INTPTR_MAX) {
        return -EFBIG;
    }
    fd = coh_shm_create_empty(name);
    if (fd < 0) {
        return fd;
    }
    if (ftruncate(fd, (off_t)size) < 0) {
        int result = -errno;

        close(fd);
        return result;
    }
    return fd;
}

static int
seal(int fd, int seals)
{
    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

int
coh_shm_create(const char *name, size_t size)
{
    int fd = create_sized(name, size);
    int result =
        fd < 0 ? fd : seal(fd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);

    if (result < 0 && fd >= 0) {
        close(fd);
    }
    return result < 0 ? result : fd;
}

static void *
map(int fd, size_t size, int protection)
{
    struct stat status;
    void *memory;

    if (fstat(fd, &status) < 0) {
        return NULL;
    }
    /* Touching what is behind the end of a file is SIGBUS. */
    if (status.st_size < 0 || (uintmax_t)status.st_size < size) {
        errno = EINVAL;
        return NULL;
    }
    memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *
coh_shm_map(int fd, size_t size)
{
    return map(fd, size, PROT_READ | PROT_WRITE);
}

static void *
map_unseen(int fd, size_t size, int protection)
{
    void *memory = map(fd, size, protection);

    if (memory != NULL) {
        /* Best effort, both: nobody is wronged where they are not known. */
        (void)madvise(memory, size, MADV_DONTDUMP);
        (void)madvise(memory, size, MADV_DONTFORK);
    }
    return memory;
}

int
coh_shm_create_owned(const char *name, size_t size, void **memory)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int fd = create_sized(name, size);
    int result;

    if (fd < 0) {
        return fd;
    }
    *memory = map_unseen(fd, size, PROT_READ | PROT_WRITE);
    result = *memory != NULL ? seal(fd, seals | F_SEAL_FUTURE_WRITE) : -errno;
    if (result == -EINVAL) {
        result = seal(fd, seals);
    }
    if (result < 0) {
        coh_shm_unmap(*memory, size);
        close(fd);
        return result;
    }
    return fd;
}

const void *
coh_shm_map_owned(int fd, size_t size)
{
    return map_unseen(fd, size, PROT_READ);
}

void
coh_shm_unmap(void *memory, size_t size)
{
    if (memory != NULL) {
        munmap(memory, size);
    }
}
