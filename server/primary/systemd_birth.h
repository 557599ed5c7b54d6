/* What systemd says to a service that it starts, in its environment: where to
   tell what happens, and which sockets are open already. */
#ifndef COH_PRIMARY_SYSTEMD_BIRTH_H
#define COH_PRIMARY_SYSTEMD_BIRTH_H

#include <stdint.h>

struct coh_inherited;
struct cohort_log;

struct coh_systemd_birth {
    char *notify_socket;  /* NULL: nobody listens */
    uint64_t watchdog_us; /* 0: no watchdog */
    int socket_count;     /* descriptors from 3 on */
    char *socket_names;   /* separated by ":"; NULL: none */
};

/*
 * Read the environment, and leave nothing of it to children; the descriptors
 * become close-on-exec.
 *
 * Process  The one that was started, before it forks or opens anything: the
 *          words are for its pid.
 */
void coh_systemd_birth_read(struct coh_systemd_birth *birth);
void coh_systemd_birth_fini(struct coh_systemd_birth *birth);

/* In a child that becomes the primary after us: what it is to find, but the
   sockets, which it gets from us. */
void coh_systemd_birth_restore(const struct coh_systemd_birth *birth);

/* Move the sockets to where listeners look for them. What is none is closed
   with a warning. */
void coh_systemd_birth_adopt(
    struct coh_systemd_birth *birth, struct coh_inherited *inherited,
    struct cohort_log *log);

#endif
