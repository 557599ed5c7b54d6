/* Names of files: joined, split, made, read whole. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/path.h"
#include "core/str.h"

static char folder[] = "/tmp/cohort_path_XXXXXX";
static struct coh_arena *arena;

static int
setup(void **state)
{
    (void)state;
    arena = coh_arena_new(4096);
    return mkdtemp(folder) == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    coh_arena_free(arena);
    return rmdir(folder);
}

static void
write_file(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void
test_join(void **state)
{
    (void)state;
    assert_string_equal(coh_path_join(arena, "/a", COH_STR("b")), "/a/b");
    assert_string_equal(coh_path_join(arena, "/a/", COH_STR("b")), "/a/b");
    assert_string_equal(coh_path_join(arena, "/a", COH_STR("/b")), "/b");
    assert_string_equal(coh_path_join(arena, "", COH_STR("b")), "b");
    assert_string_equal(coh_path_folder(arena, "a/b/c"), "a/b");
    assert_string_equal(coh_path_folder(arena, "/c"), "/");
    assert_string_equal(coh_path_folder(arena, "c"), ".");
}

static void
test_below(void **state)
{
    (void)state;
    assert_string_equal(coh_path_below("/a/b", "/a/b/c"), "c");
    assert_string_equal(coh_path_below("/a/b/", "/a/b/c/d"), "c/d");
    assert_string_equal(coh_path_below("/", "/a/b"), "a/b");
    assert_null(coh_path_below("/a/b", "/a/bc"));
    assert_null(coh_path_below("/a/b", "/a/b"));
    assert_null(coh_path_below("/a/b", "/c"));
}

static void
test_make_folder(void **state)
{
    char *deep = coh_path_join(arena, folder, COH_STR("x//y/z"));
    char *file = coh_path_join(arena, folder, COH_STR("file"));
    mode_t mask = umask(077);
    struct stat status;

    (void)state;
    assert_int_equal(coh_path_make_folder(deep, 0750, getgid()), 0);
    umask(mask);
    assert_int_equal(coh_path_make_folder(deep, 0700, (gid_t)-1), 0);
    assert_int_equal(stat(deep, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
    assert_int_equal(coh_path_make_folder("", 0700, (gid_t)-1), -ENOENT);
    assert_int_equal(coh_path_make_folder("/", 0700, (gid_t)-1), 0);

    write_file(file, "", 0);
    assert_int_equal(coh_path_make_folder(file, 0700, (gid_t)-1), -ENOTDIR);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(coh_path_folder(arena, deep)), 0);
    assert_int_equal(rmdir(coh_path_join(arena, folder, COH_STR("x"))), 0);
}

static void
test_read(void **state)
{
    char *file = coh_path_join(arena, folder, COH_STR("file"));
    struct cohort_str content;
    char data[10000];

    (void)state;
    assert_int_equal(coh_path_read(arena, file, 100, &content), -ENOENT);
    assert_int_equal(coh_path_read(arena, folder, 9999999, &content), -EISDIR);

    memset(data, 'x', sizeof(data));
    for (size_t size = 0; size < sizeof(data); size += 4095) {
        write_file(file, data, size);
        assert_int_equal(coh_path_read(arena, file, size, &content), 0);
        assert_int_equal(content.size, size);
        assert_memory_equal(content.data, data, size);
        assert_int_equal(content.data[size], 0);
    }
    assert_int_equal(coh_path_read(arena, file, 8189, &content), -EFBIG);
    assert_int_equal(unlink(file), 0);

    /* A file that does not tell its size. */
    assert_int_equal(
        coh_path_read(arena, "/proc/self/status", 100000, &content), 0);
    assert_true(coh_str_starts_with(content, COH_STR("Name:")));
    assert_int_equal(
        coh_path_read(arena, "/proc/self/status", 9, &content), -EFBIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_make_folder),
        cmocka_unit_test(test_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
