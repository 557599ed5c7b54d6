/* From root to the worker's user, and from any user to no capability, in the
   one order that works. */
#include "server/process/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

/* What an exec could give back to root. Without CAP_SETPCAP the set stays as it
   is, and no_new_privs makes it worth nothing. */
static int
drop_bounding_set(void)
{
    for (unsigned long capability = 0;
         prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            return errno == EPERM ? 0 : -errno;
        }
    }
    return 0;
}

/* Permitted, effective, inheritable, and with these the ambient ones: root
   keeps them unless told, and a service manager may have given some to
   others. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = 0}};

    return syscall(SYS_capset, &head, none) < 0 ? -errno : 0;
}

int
coh_privilege_drop(const struct coh_identity *identity, const char **what)
{
    int result;

    *what = "PR_CAPBSET_DROP";
    result = drop_bounding_set();
    if (result == 0 && identity->is_set) {
        result = coh_privilege_become(identity, what);
    }
    if (result < 0) {
        return result;
    }
    *what = "capset";
    result = drop_capabilities();
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
