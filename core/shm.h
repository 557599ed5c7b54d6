/* Memory shared with other processes: a sealed memfd. */
#ifndef COH_CORE_SHM_H
#define COH_CORE_SHM_H

#include <stddef.h>

/* A CLOEXEC memfd of size zero bytes that can neither shrink nor grow any
   more. The descriptor or -errno. name shows in /proc/PID/maps. */
int coh_shm_create(const char *name, size_t size);

/*
 * The same, mapped for whoever made it alone: others can only read what it
 * writes there (before Linux 5.1 they must be trusted not to write). The
 * mapping is left out of core dumps, and is not inherited by children.
 *
 * memory  Out: for coh_shm_unmap.
 */
int coh_shm_create_owned(const char *name, size_t size, void **memory);

/* Map size bytes of such a memfd for reading, as above. NULL with errno set. */
const void *coh_shm_map_owned(int fd, size_t size);

/* Map size bytes of it, shared. NULL with errno set on failure, also when the
   memfd is smaller. */
void *coh_shm_map(int fd, size_t size);
void coh_shm_unmap(void *memory, size_t size);

/* A CLOEXEC memfd that is empty and may be written and sealed by its owner. The
   descriptor or -errno. */
int coh_shm_create_empty(const char *name);

#endif
