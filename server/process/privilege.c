/* From root to the worker's user, in the one order that works. */
#include "server/process/privilege.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/sanitize.h"

int
coh_privilege_become(const struct coh_identity *identity, const char **what)
{
    *what = "setgroups";
    if (setgroups(identity->group_count, identity->groups) < 0) {
        return -errno;
    }
    *what = "setresgid";
    if (setresgid(identity->group, identity->group, identity->group) < 0) {
        return -errno;
    }
    *what = "setresuid";
    if (setresuid(identity->user, identity->user, identity->user) < 0) {
        return -errno;
    }
    return 0;
}

int
coh_privilege_drop(const struct coh_identity *identity, const char **what)
{
    int result = identity->is_set ? coh_privilege_become(identity, what) : 0;

    if (result < 0) {
        return result;
    }
    *what = "PR_SET_NO_NEW_PRIVS";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -errno;
    }
#ifndef COH_HAS_ASAN /* its leak check traces the process */
    *what = "PR_SET_DUMPABLE";
    if (prctl(PR_SET_DUMPABLE, 0) < 0) {
        return -errno;
    }
#endif
    return 0;
}
