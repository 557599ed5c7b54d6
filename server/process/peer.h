/* Who is at the other end of a unix socket. */
#ifndef COH_PROCESS_PEER_H
#define COH_PROCESS_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether the process that connected may administrate: root, user, owner, or a
 * member of group, by its credentials of then.
 *
 * owner, group  (uid_t)-1, (gid_t)-1: nobody.
 */
bool coh_peer_may_administrate(int fd, uid_t user, uid_t owner, gid_t group);

#endif
