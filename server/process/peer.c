/* Credentials that the kernel keeps of whoever connected. */
#include "server/process/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59 /* Linux 4.13 */
#endif

#define GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX */

static bool
contains(const gid_t *groups, size_t count, gid_t group)
{
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

/* The supplementary groups; usually there are few. */
static bool
has_group(int fd, gid_t group)
{
    gid_t few[32];
    gid_t *groups = few;
    socklen_t size = sizeof(few);
    int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
    bool is_member = false;

    if (result < 0 && errno == ERANGE && size <= GROUPS_MAX * sizeof(gid_t)) {
        groups = malloc(size);
        result = groups
            ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size)
            : -1;
    }
    if (result == 0) {
        is_member = contains(groups, size / sizeof(gid_t), group);
    }
    if (groups != few) {
        free(groups);
    }
    return is_member;
}

bool
coh_peer_may_administrate(int fd, uid_t user, uid_t owner, gid_t group)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
        peer.uid == (uid_t)-1) {
        return false;
    }
    if (peer.uid == 0 || peer.uid == user || peer.uid == owner) {
        return true;
    }
    return group != (gid_t)-1 && (peer.gid == group || has_group(fd, group));
}
