/* Users and groups, by name or number. */
#include "server/cluster/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "core/str.h"

/* Node takes 32 bits with a sign; -1 means "leave it" to the kernel. */
#define ID_MAX INT32_MAX

static bool
is_number(const char *text, uint64_t *number)
{
    return coh_str_to_u64(cohort_str(text), ID_MAX, number) == 0;
}

static int
find_group(const char *text, gid_t *group)
{
    const struct group *found;
    uint64_t number;

    if (is_number(text, &number)) {
        *group = (gid_t)number;
        return 0;
    }
    found = getgrnam(text);
    if (found == NULL) {
        return -EINVAL;
    }
    *group = found->gr_gid;
    return 0;
}

/* A name brings its groups along; a number is that user and nothing else. */
static int
find_user(const char *text, struct coh_identity *identity)
{
    const struct passwd *found;
    uint64_t number;
    int count = COH_GROUPS_MAX;

    if (is_number(text, &number)) {
        identity->user = (uid_t)number;
        return 0;
    }
    found = getpwnam(text);
    if (found == NULL) {
        return -EINVAL;
    }
    identity->user = found->pw_uid;
    identity->group = found->pw_gid;
    if (getgrouplist(text, found->pw_gid, identity->groups, &count) < 0) {
        return -E2BIG;
    }
    identity->group_count = (size_t)count;
    return 0;
}

static int
find_groups(
    const char *const *names, struct coh_identity *identity, const char **name)
{
    identity->group_count = 0;
    for (; *names != NULL; names++) {
        *name = *names;
        if (identity->group_count == COH_GROUPS_MAX) {
            return -E2BIG;
        }
        if (find_group(*names, &identity->groups[identity->group_count]) < 0) {
            return -EINVAL;
        }
        identity->group_count++;
    }
    return 0;
}

int
coh_identity_find(
    const struct cohort_settings *settings, struct coh_identity *identity,
    const char **setting, const char **name)
{
    int result = 0;

    *identity = (struct coh_identity){
        .is_set = settings->user != NULL || settings->group != NULL ||
            settings->groups != NULL,
        .user = geteuid(),
        .group = getegid(),
    };
    if (settings->user != NULL) {
        *setting = "user";
        *name = settings->user;
        result = find_user(settings->user, identity);
    }
    if (result == 0 && settings->group != NULL) {
        *setting = "group";
        *name = settings->group;
        result = find_group(settings->group, &identity->group);
    }
    if (result == 0 && settings->groups != NULL) {
        *setting = "groups";
        result = find_groups(settings->groups, identity, name);
    }
    return result;
}
