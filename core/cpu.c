/* How many CPUs are really ours: the affinity mask, and what the cgroup's quota
   leaves of it. */
#include "core/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/path.h"
#include "core/str.h"

#define CPUS_MAX (1U << 16) /* where growing the mask ends */
#define FILE_SIZE_MAX 65536

/* In thousandths of a CPU; NO_QUOTA: as much as there is. */
#define NO_QUOTA UINT64_MAX

/* The kernel refuses a mask that is smaller than its own: grow it. */
static unsigned
affinity_count(void)
{
    for (unsigned cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
        size_t size = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = CPU_ALLOC(cpus);
        int count = 0;
        bool is_known;

        if (set == NULL) {
            return 1;
        }
        is_known = sched_getaffinity(0, size, set) == 0;
        if (is_known) {
            count = CPU_COUNT_S(size, set);
        }
        CPU_FREE(set);
        if (is_known) {
            return count > 0 ? (unsigned)count : 1;
        }
        if (errno != EINVAL) {
            return 1;
        }
    }
    return 1;
}

static struct cohort_str
read_file(struct coh_arena *arena, const char *path)
{
    struct cohort_str content;

    if (coh_path_read(arena, path, FILE_SIZE_MAX, &content) < 0) {
        return cohort_str("");
    }
    return content;
}

/* Cut off and return what stands before the separator. */
static struct cohort_str
take_until(struct cohort_str *rest, char separator)
{
    ssize_t end = coh_str_index(*rest, separator);
    size_t size = end < 0 ? rest->size : (size_t)end;
    struct cohort_str part = coh_str_cut(*rest, 0, size);

    *rest = coh_str_from(*rest, size + 1);
    return part;
}

/* quota and period in microseconds, as the kernel writes them; "max" and "-1"
   are no quota. */
static uint64_t
quota_of(struct cohort_str quota_text, struct cohort_str period_text)
{
    uint64_t quota;
    uint64_t period;

    if (coh_str_to_u64(quota_text, UINT32_MAX, &quota) < 0 ||
        coh_str_to_u64(period_text, UINT32_MAX, &period) < 0 || period == 0) {
        return NO_QUOTA;
    }
    return quota * 1000 / period;
}

/* cgroup v2: "150000 100000" in one file. */
static uint64_t
quota_v2(struct coh_arena *arena, const char *folder)
{
    const char *path = coh_arena_printf(arena, "%s/cpu.max", folder);
    struct cohort_str rest = read_file(arena, path);
    struct cohort_str line = take_until(&rest, '\n');
    struct cohort_str quota = take_until(&line, ' ');

    return quota_of(quota, line);
}

/* cgroup v1: a file each. */
static uint64_t
quota_v1(struct coh_arena *arena, const char *folder)
{
    const char *path;
    struct cohort_str quota;
    struct cohort_str period;

    path = coh_arena_printf(arena, "%s/cpu.cfs_quota_us", folder);
    quota = read_file(arena, path);
    path = coh_arena_printf(arena, "%s/cpu.cfs_period_us", folder);
    period = read_file(arena, path);
    return quota_of(take_until(&quota, '\n'), take_until(&period, '\n'));
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The smallest quota from our own group up to the root: each bounds what is
   below. In a container without a namespace the path is the host's, so that
   only the root of the mount is there; it is our group then. */
static uint64_t
smallest_quota(
    struct coh_arena *arena, const char *mount, struct cohort_str group,
    uint64_t (*quota_in)(struct coh_arena *arena, const char *folder))
{
    uint64_t smallest = NO_QUOTA;

    for (;;) {
        const char *folder = coh_arena_printf(
            arena, "%s%.*s", mount, (int)group.size, group.data);
        ssize_t slash = coh_str_rindex(group, '/');

        smallest = smaller(smallest, quota_in(arena, folder));
        if (slash < 0) {
            return smallest;
        }
        group = coh_str_cut(group, 0, (size_t)slash);
    }
}

static bool
has_word(struct cohort_str list, const char *word)
{
    while (list.size > 0) {
        if (coh_str_is(take_until(&list, ','), word)) {
            return true;
        }
    }
    return false;
}

/* A v1 hierarchy is mounted under the names of its controllers, and mostly,
   not always, linked to under each of them. */
static uint64_t
smallest_quota_v1(
    struct coh_arena *arena, const char *mounts, struct cohort_str controllers,
    struct cohort_str group)
{
    const char *by_name = coh_arena_printf(arena, "%s/cpu", mounts);
    const char *by_all = coh_arena_printf(
        arena, "%s/%.*s", mounts, (int)controllers.size, controllers.data);

    return smaller(
        smallest_quota(arena, by_name, group, quota_v1),
        smallest_quota(arena, by_all, group, quota_v1));
}

/* A line of /proc/self/cgroup: "0::/group" for v2, "4:cpu,cpuacct:/group" for
   v1. */
static uint64_t
quota_of_line(
    struct coh_arena *arena, const char *mounts, struct cohort_str line)
{
    struct cohort_str number = take_until(&line, ':');
    struct cohort_str controllers = take_until(&line, ':');

    if (coh_str_is(number, "0") && controllers.size == 0) {
        return smallest_quota(arena, mounts, line, quota_v2);
    }
    if (has_word(controllers, "cpu")) {
        return smallest_quota_v1(arena, mounts, controllers, line);
    }
    return NO_QUOTA;
}

static uint64_t
cgroup_quota(struct coh_arena *arena, const char *root)
{
    const char *groups = coh_arena_printf(arena, "%s/proc/self/cgroup", root);
    const char *mounts = coh_arena_printf(arena, "%s/sys/fs/cgroup", root);
    struct cohort_str rest = read_file(arena, groups);
    uint64_t smallest = NO_QUOTA;

    while (rest.size > 0) {
        struct cohort_str line = take_until(&rest, '\n');

        smallest = smaller(smallest, quota_of_line(arena, mounts, line));
    }
    return smallest;
}

unsigned
coh_cpu_count_under(const char *root, unsigned count)
{
    struct coh_arena *arena = coh_arena_new(4096);
    uint64_t quota = cgroup_quota(arena, root);

    coh_arena_free(arena);
    if (quota != NO_QUOTA && (quota + 999) / 1000 < count) {
        count = (unsigned)((quota + 999) / 1000);
    }
    return count > 0 ? count : 1;
}

unsigned
coh_cpu_count(void)
{
    return coh_cpu_count_under("", affinity_count());
}
