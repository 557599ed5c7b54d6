/* Listening sockets that two primaries have: neither empties nor closes what
   the other one still needs. */
#ifndef COH_PRIMARY_LENDING_H
#define COH_PRIMARY_LENDING_H

#include <stddef.h>
#include <stdint.h>

struct coh_handover;
struct coh_upgrade;

/* Hand over all secrets and sockets through a socket pair, and remember these
   in upgrade->lent. 0 or -errno. */
int coh_lending_send(struct coh_upgrade *upgrade, int channel);

/* The sockets of a handover become listeners. 0 or -errno. */
int coh_lending_inherit(
    struct coh_upgrade *upgrade, struct coh_handover *handover);

/* The new one serves: are_used[i] says whether it listens at lent[i]. What it
   does not use stays the old one's alone. */
void coh_lending_used(
    struct coh_upgrade *upgrade, const uint8_t *are_used, size_t count);

/* In the new one, which serves: which are used? Those that are not are let go.
   are_used has room for upgrade->lent_count. */
void coh_lending_settle(struct coh_upgrade *upgrade, uint8_t *are_used);

/* The old one is gone, and we do not serve yet: all is ours alone. */
void coh_lending_own(struct coh_upgrade *upgrade);

/* The same, and what nobody uses is let go. */
void coh_lending_end(struct coh_upgrade *upgrade);

/* The other one is gone: new connections are not led past its sockets any
   more. */
void coh_lending_unsteer(struct coh_upgrade *upgrade);

#endif
