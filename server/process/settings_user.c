/* user: who workers are, looked up while the configuration is read. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cohort/conf.h>

#include "config.h"
#include "server/process/settings.h"

static int
find_group(const char *name, gid_t *group)
{
    const struct group *found = getgrnam(name);

    if (!found) {
        return -ENOENT;
    }
    *group = found->gr_gid;
    return 0;
}

/* Fill in user and supplementary groups; the group is that of the user's
   entry. */
static int
find_user(const char *name, struct coh_identity *identity)
{
    const struct passwd *found = getpwnam(name);

    if (!found) {
        return -ENOENT;
    }
    identity->is_set = true;
    identity->user = found->pw_uid;
    identity->group = found->pw_gid;
    return 0;
}

static int
find_groups(const char *name, struct coh_identity *identity)
{
    int count = COH_GROUPS_MAX;

    if (getgrouplist(name, identity->group, identity->groups, &count) < 0) {
        return -E2BIG;
    }
    identity->group_count = (size_t)count;
    return 0;
}

int
coh_settings_read_user(struct cohort_conf *conf, struct coh_identity *identity)
{
    struct coh_identity found = {0};
    const char *name = cohort_conf_arg(conf, 0).data;

    if (geteuid() != 0) {
        cohort_conf_warn(
            conf, "\"user\" makes sense only when started by root, ignored");
        return 0;
    }
    if (find_user(name, &found) < 0) {
        return cohort_conf_error_at(
            conf, 0, "unknown user \"%s\": create it or name another", name);
    }
    if (cohort_conf_arg_count(conf) == 2 &&
        find_group(cohort_conf_arg(conf, 1).data, &found.group) < 0) {
        return cohort_conf_error_at(
            conf, 1, "unknown group \"%s\": create it or name another",
            cohort_conf_arg(conf, 1).data);
    }
    if (find_groups(name, &found) < 0) {
        return cohort_conf_error_at(
            conf, 0, "user \"%s\" is in more than %d groups", name,
            COH_GROUPS_MAX);
    }
    *identity = found;
    return 0;
}

int
coh_settings_set_user(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;

    return coh_settings_read_user(conf, &made->identity);
}

int
coh_settings_choose_user(struct cohort_conf *conf, struct coh_settings *made)
{
    struct coh_identity *identity = &made->identity;

    if (geteuid() != 0 || identity->is_set) {
        return 0;
    }
    if (find_user(COHORT_USER, identity) < 0 ||
        find_group(COHORT_GROUP, &identity->group) < 0) {
        return cohort_conf_error(
            conf,
            "workers of root run as user " COHORT_USER ", group " COHORT_GROUP
            ", and one of them is unknown: set \"user\"");
    }
    identity->groups[0] = identity->group;
    identity->group_count = 1;
    return 0;
}
