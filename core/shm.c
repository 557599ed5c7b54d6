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
static int
create(const char *name)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd;

    fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create(name, flags);
    }
    return fd;
}

int
coh_shm_create(const char *name, size_t size)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int fd;

    if (size > INTPTR_MAX) {
        return -EFBIG;
    }
    fd = create(name);
    if (fd < 0) {
        return -errno;
    }
    if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0) {
        int result = -errno;

        close(fd);
        return result;
    }
    return fd;
}

void *
coh_shm_map(int fd, size_t size)
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
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void
coh_shm_unmap(void *memory, size_t size)
{
    if (memory != NULL) {
        munmap(memory, size);
    }
}
