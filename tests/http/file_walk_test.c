/* Walking below a directory: what links may do, by openat2 and, once that is
   lost, step by step, with the same answers. */
#include "tests/core/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/file_walk.h"
#include "tests/core/folder.h"
#include "tests/http/no_openat2.h"

#define READ (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static char folder[] = "/tmp/cohort-walk-XXXXXX";
static int root;

static void
make_file(const char *name)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    close(fd);
}

static void
make_link(const char *target, const char *name)
{
    assert_int_equal(symlinkat(target, root, name), 0);
}

static void
make_absolute_link(void)
{
    char target[64];

    snprintf(target, sizeof(target), "%s/root/file", folder);
    make_link(target, "absolute");
}

static int
setup(void **state)
{
    char path[64];

    (void)state;
    strcpy(strrchr(folder, '-') + 1, "XXXXXX"); /* there are several runs */
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/root", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    make_file("../secret");
    make_file("file");
    assert_int_equal(mkdirat(root, "a", 0755), 0);
    assert_int_equal(mkdirat(root, "a/b", 0755), 0);
    make_file("a/b/deep");
    make_link("file", "to_file");
    make_link("a/b", "to_b");
    make_link("a/b/", "to_b_slash");
    make_link("to_b", "to_to_b");
    make_link("nowhere", "dangling");
    make_link("../../file", "a/b/up");
    make_link("../../../root/file", "a/b/out_and_in");
    make_link("../../../secret", "a/b/out");
    make_link("..", "a/b/parent");
    make_link("..", "parent");
    make_link("loop", "loop");
    make_absolute_link();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    close(root);
    return test_folder_remove(folder);
}

/* What was opened is the file of that name below the root. */
static void
expect(enum coh_walk_rule rule, const char *path, const char *name)
{
    static const int flags[] = {READ, O_PATH | O_CLOEXEC};
    struct stat there;
    struct stat opened;

    assert_int_equal(fstatat(root, name, &there, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        int fd = coh_file_walk(root, path, flags[i], rule);

        if (fd < 0) {
            fail_msg("%s: %s", path, strerror(-fd));
        }
        assert_int_equal(fstat(fd, &opened), 0);
        assert_int_equal(opened.st_ino, there.st_ino);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
    }
}

static void
expect_error(enum coh_walk_rule rule, const char *path, int reason)
{
    assert_int_equal(coh_file_walk(root, path, READ, rule), -reason);
    assert_int_equal(
        coh_file_walk(root, path, O_PATH | O_CLOEXEC, rule), -reason);
}

static void
test_plain_names(void **state)
{
    (void)state;
    for (int rule = COH_WALK_NO_LINKS; rule <= COH_WALK_BENEATH; rule++) {
        expect((enum coh_walk_rule)rule, "file", "file");
        expect((enum coh_walk_rule)rule, "//a//b/./deep", "a/b/deep");
        expect((enum coh_walk_rule)rule, "a/b", "a/b");
        expect((enum coh_walk_rule)rule, "/a/b//", "a/b");
        expect((enum coh_walk_rule)rule, "", ".");
        expect((enum coh_walk_rule)rule, "/", ".");
        expect_error((enum coh_walk_rule)rule, "missing", ENOENT);
        expect_error((enum coh_walk_rule)rule, "missing/x", ENOENT);
        expect_error((enum coh_walk_rule)rule, "file/", ENOTDIR);
        expect_error((enum coh_walk_rule)rule, "file/x", ENOTDIR);
    }
}

static void
test_no_links(void **state)
{
    (void)state;
    expect_error(COH_WALK_NO_LINKS, "to_file", ELOOP);
    expect_error(COH_WALK_NO_LINKS, "dangling", ELOOP);
    expect_error(COH_WALK_NO_LINKS, "a/b/up", ELOOP);
    /* On the way it is ENOTDIR, as in nginx. */
    expect_error(COH_WALK_NO_LINKS, "to_b/deep", ENOTDIR);
    expect_error(COH_WALK_NO_LINKS, "to_b/", ENOTDIR);
}

static void
test_links_that_stay_inside(void **state)
{
    (void)state;
    expect(COH_WALK_BENEATH, "to_file", "file");
    expect(COH_WALK_BENEATH, "to_b/deep", "a/b/deep");
    expect(COH_WALK_BENEATH, "to_b_slash/deep", "a/b/deep");
    expect(COH_WALK_BENEATH, "to_b/", "a/b");
    expect(COH_WALK_BENEATH, "to_to_b/up", "file");
    expect(COH_WALK_BENEATH, "a/b/up", "file");
    expect(COH_WALK_BENEATH, "a/b/parent/b/deep", "a/b/deep");
    expect(COH_WALK_BENEATH, "a/b/../b/parent/../file", "file");
    expect_error(COH_WALK_BENEATH, "dangling", ENOENT);
    expect_error(COH_WALK_BENEATH, "loop", ELOOP);
    expect_error(COH_WALK_BENEATH, "loop/x", ELOOP);
}

static void
test_links_that_lead_out(void **state)
{
    (void)state;
    expect_error(COH_WALK_BENEATH, "absolute", EXDEV);
    expect_error(COH_WALK_BENEATH, "a/b/out", EXDEV);
    expect_error(COH_WALK_BENEATH, "a/b/out_and_in", EXDEV);
    expect_error(COH_WALK_BENEATH, "parent", EXDEV);
    expect_error(COH_WALK_BENEATH, "parent/secret", EXDEV);
    expect_error(COH_WALK_BENEATH, "to_b/../../../secret", EXDEV);
}

static void
test_links_of_owners(void **state)
{
    (void)state;
    expect(COH_WALK_OWNERS, "to_to_b/deep", "a/b/deep");
    expect(COH_WALK_OWNERS, "a/b/out", "../secret");
    if (geteuid() != 0) {
        return; /* nobody else can give a link away */
    }
    assert_int_equal(
        fchownat(root, "to_file", 12345, 12345, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(
        fchownat(root, "to_b", 12345, 12345, AT_SYMLINK_NOFOLLOW), 0);
    expect_error(COH_WALK_OWNERS, "to_file", ELOOP);
    expect_error(COH_WALK_OWNERS, "to_b/deep", ELOOP);
    /* As in nginx, only names of the path count. */
    expect(COH_WALK_OWNERS, "to_to_b/deep", "a/b/deep");
    /* Theirs to them. */
    assert_int_equal(fchownat(root, "file", 12345, 12345, 0), 0);
    expect(COH_WALK_OWNERS, "to_file", "file");
}

/* Neither what links add nor what is walked grows beyond its room. */
static void
test_long_paths(void **state)
{
    char path[4096] = "";
    size_t size = 0;

    (void)state;
    while (size + 13 < sizeof(path)) {
        size += (size_t)sprintf(path + size, "to_b/../../");
    }
    expect_error(COH_WALK_BENEATH, path, ELOOP);
    memset(path, 'n', sizeof(path) - 1);
    expect_error(COH_WALK_BENEATH, path, ENAMETOOLONG);
    expect_error(COH_WALK_NO_LINKS, path, ENAMETOOLONG);
    expect_error(COH_WALK_OWNERS, path, ENAMETOOLONG);
}

static bool
has_openat2(void)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    long fd = syscall(SYS_openat2, root, ".", &how, sizeof(how));

    if (fd >= 0) {
        close((int)fd);
    }
    return fd >= 0;
}

/* Step by step, many names are refused before they take long, be they of the
   path or of a link. */
/* The kernel takes it, but only while nobody renames anything: another test may
   do so for a while. */
static void
expect_sometime(const char *path)
{
    int fd = -ELOOP;

    for (int i = 0; i < 100000 && fd == -ELOOP; i++) {
        fd = coh_file_walk(root, path, READ, COH_WALK_BENEATH);
    }
    assert_true(fd >= 0);
    close(fd);
}

static void
test_many_names(void **state)
{
    char path[4000] = "";
    size_t size = 0;

    (void)state;
    while (size < 500 * 5) {
        size += (size_t)sprintf(path + size, "a/../");
    }
    strcpy(path + size, "file");
    if (has_openat2()) {
        expect_sometime(path);
    } else {
        expect_error(COH_WALK_BENEATH, path, ELOOP);
    }
    expect(COH_WALK_BENEATH, path + size - 100 * 5, "file");
    strcpy(path + size, "busy");
    make_link(path, "busy");
    expect_error(COH_WALK_BENEATH, "busy", ELOOP);
    assert_int_equal(unlinkat(root, "busy", 0), 0);
}

/* In a process of its own, where only openat2 opens anything. */
static int
walk_without_openat(const char *path)
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        int result = 0;

        if (lose_call(SYS_openat, EACCES) == 0) {
            result = coh_file_walk(root, path, READ, COH_WALK_BENEATH);
        }
        _exit(result < 0 ? -result : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What the kernel has said of a loop is not walked once more by hand. */
static void
test_a_loop_is_walked_once(void **state)
{
    int reason;

    (void)state;
    if (!has_openat2()) {
        skip();
    }
    reason = walk_without_openat("loop");
    if (reason == 0) {
        skip(); /* no filters here */
    }
    assert_int_equal(reason, ELOOP);
}

static size_t
descriptor_count(void)
{
    DIR *list = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(list);
    while (readdir(list)) {
        count++;
    }
    closedir(list);
    return count;
}

static void
test_nothing_stays_open(void **state)
{
    size_t before = descriptor_count();

    test_plain_names(state);
    test_no_links(state);
    test_links_that_stay_inside(state);
    test_links_that_lead_out(state);
    assert_int_equal(descriptor_count(), before);
}

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_names),
        cmocka_unit_test(test_no_links),
        cmocka_unit_test(test_links_that_stay_inside),
        cmocka_unit_test(test_links_that_lead_out),
        cmocka_unit_test(test_nothing_stays_open),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_a_loop_is_walked_once),
        cmocka_unit_test(test_links_of_owners), /* changes owners */
    };

    return cmocka_run_group_tests_name(name, tests, setup, teardown);
}

static void
test_by_steps_where_filters_can_be_set(void **state)
{
    (void)state;
    skip();
}

static int
skip_steps(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_steps_where_filters_can_be_set),
    };

    return cmocka_run_group_tests_name("by steps", tests, NULL, NULL);
}

int
main(void)
{
    int failed = run("by openat2");

    if (lose_openat2(EPERM) < 0) {
        return failed + skip_steps();
    }
    failed += run("by steps, openat2 being forbidden");
    if (lose_openat2(ENOSYS) < 0) {
        return failed + 1;
    }
    return failed + run("by steps, openat2 being unknown");
}
