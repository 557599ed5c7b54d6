/* What systemd is told: a reader of the primary's events that writes to the
   socket named by NOTIFY_SOCKET, as sd_notify(3) describes it. */
#ifndef COH_PRIMARY_SYSTEMD_H
#define COH_PRIMARY_SYSTEMD_H

#include <event2/event_struct.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "server/primary/events.h"

struct coh_primary;
struct coh_systemd_birth;

struct coh_systemd {
    struct coh_primary *primary;
    struct coh_event_reader reader;
    int fd; /* -1: nobody is told */
    struct sockaddr_un address;
    socklen_t address_size;
    char status[256]; /* as it was told last */
    struct event watchdog;
};

/* Tell what happens from now on, if somebody listens. What goes wrong is logged
   and stops nothing. */
void coh_systemd_init(
    struct coh_systemd *systemd, const struct coh_systemd_birth *birth,
    struct coh_primary *primary);
void coh_systemd_fini(struct coh_systemd *systemd);

/* In a forked child: close its descriptor here, nothing else. */
void coh_systemd_forget(struct coh_systemd *systemd);

#endif
