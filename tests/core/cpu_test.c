/* CPUs bounded by quotas, over trees that look like /proc and /sys. */
#include "tests/core/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/cpu.h"
#include "core/path.h"

static char root[] = "/tmp/cohort_cpu_XXXXXX";
static struct coh_arena *arena;

static int
setup(void **state)
{
    (void)state;
    arena = coh_arena_new(4096);
    return mkdtemp(root) == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    coh_arena_free(arena);
    return rmdir(root);
}

static void
remove_file(void *object)
{
    char *path = object;

    unlink(path);
    /* And the folders that it made non-empty. */
    while (rmdir(coh_path_folder(arena, path)) == 0) {
        path = coh_path_folder(arena, path);
    }
}

/* Gone again at finish(). */
static void
put(const char *name, const char *content)
{
    char *path = coh_arena_printf(arena, "%s/%s", root, name);
    FILE *file;

    assert_int_equal(
        coh_path_make_folder(coh_path_folder(arena, path), 0700, (gid_t)-1), 0);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    coh_arena_defer(arena, remove_file, path);
}

static int
finish(void **state)
{
    (void)state;
    coh_arena_reset(arena);
    rmdir(root);
    return mkdir(root, 0700);
}

static void
test_none(void **state)
{
    (void)state;
    assert_int_equal(coh_cpu_count_under(root, 8), 8);
    assert_int_equal(coh_cpu_count_under(root, 0), 1);
    assert_true(coh_cpu_count() >= 1);
}

static void
test_v2(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 3);
    assert_int_equal(coh_cpu_count_under(root, 2), 2);
    put("sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 1);
    put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 3);
    put("sys/fs/cgroup/a/b/cpu.max", "1000 100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 1);
    put("sys/fs/cgroup/a/b/cpu.max", "what is this\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 8);
}

static void
test_v2_in_namespace(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 2);
}

static void
test_v1(void **state)
{
    (void)state;
    put("proc/self/cgroup", "5:cpuset:/x\n4:cpuacct,cpu:/docker/1\n0::/\n");
    put("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1\n");
    put("sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 8);
    put("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "350000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 4);
}

static void
test_v1_host_path_and_joint_mount(void **state)
{
    (void)state;
    put("proc/self/cgroup", "4:cpu,cpuacct:/docker/of/the/host\n");
    put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
    put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assert_int_equal(coh_cpu_count_under(root, 8), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test_teardown(test_v2, finish),
        cmocka_unit_test_teardown(test_v2_in_namespace, finish),
        cmocka_unit_test_teardown(test_v1, finish),
        cmocka_unit_test_teardown(test_v1_host_path_and_joint_mount, finish),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
