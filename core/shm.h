/* Memory shared with other processes: a sealed memfd. */
#ifndef COH_CORE_SHM_H
#define COH_CORE_SHM_H

#include <stddef.h>

/* A CLOEXEC memfd of size zero bytes that can neither shrink nor grow any
   more. The descriptor or -errno. name shows in /proc/PID/maps. */
int coh_shm_create(const char *name, size_t size);

/* Map size bytes of it, shared. NULL with errno set on failure, also when the
   memfd is smaller. */
void *coh_shm_map(int fd, size_t size);
void coh_shm_unmap(void *memory, size_t size);

#endif
