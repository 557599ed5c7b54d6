/* Ways to files: what each allows, that two at once hold both, that a root may
   be pointed elsewhere, and that the cache keeps ways apart. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/event.h"
#include "core/hash.h"
#include "http/file_cache.h"
#include "http/file_open.h"
#include "tests/core/folder.h"

static char folder[] = "/tmp/cohort-open-XXXXXX";
static struct coh_loop loop;

static const char *
path_of(const char *name)
{
    static char paths[4][128];
    static size_t next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void
make_file(const char *name)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    close(fd);
}

static int
setup(void **state)
{
    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_of("one"), 0755), 0);
    assert_int_equal(mkdir(path_of("two"), 0755), 0);
    assert_int_equal(mkdir(path_of("one/in"), 0755), 0);
    make_file("one/file");
    make_file("two/file");
    assert_int_equal(symlink("one", path_of("current")), 0);
    assert_int_equal(symlink("file", path_of("one/link")), 0);
    assert_int_equal(symlink("../file", path_of("one/in/link")), 0);
    assert_int_equal(symlink("../two/file", path_of("one/out")), 0);
    assert_int_equal(mkfifo(path_of("one/fifo"), 0644), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_loop_fini(&loop);
    return test_folder_remove(folder);
}

/* Below "current", which is a link itself. */
static struct coh_file_way
way_to(const char *name, enum coh_file_links links, bool is_confined)
{
    size_t size = strlen(path_of("current"));

    return (struct coh_file_way){
        .name = cohort_str(path_of(name)),
        .links = links,
        .trusted_size = links == COH_LINKS_FOLLOWED ? 0 : size,
        .is_confined = is_confined,
        .root_size = is_confined ? size : 0,
    };
}

static int
try_open(const char *name, enum coh_file_links links, bool is_confined)
{
    struct coh_file_way way = way_to(name, links, is_confined);
    struct stat status[2];
    int fd = coh_file_open(&way, &status[0]);

    if (fd < 0) {
        return fd;
    }
    close(fd);
    assert_int_equal(coh_file_stat(&way, &status[1]), 0);
    assert_int_equal(status[0].st_ino, status[1].st_ino);
    return 0;
}

static void
test_each_way(void **state)
{
    static const struct {
        const char *name;
        int followed, refused, of_owner; /* reasons */
        int confined, both;              /* both: with REFUSED */
    } cases[] = {
        {"current/file", 0, 0, 0, 0, 0},
        {"current/link", 0, -ELOOP, 0, 0, -ELOOP},
        {"current/in/link", 0, -ELOOP, 0, 0, -ELOOP},
        {"current/out", 0, -ELOOP, 0, -EXDEV, -ELOOP},
        {"current/in", -EISDIR, -EISDIR, -EISDIR, -EISDIR, -EISDIR},
        {"current/in/", -EISDIR, -EISDIR, -EISDIR, -EISDIR, -EISDIR},
        {"current/", -EISDIR, -EISDIR, -EISDIR, -EISDIR, -EISDIR},
        {"current/fifo", -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL},
        {"current/no", -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = cases[i].name;

        assert_int_equal(
            try_open(name, COH_LINKS_FOLLOWED, false), cases[i].followed);
        assert_int_equal(
            try_open(name, COH_LINKS_REFUSED, false), cases[i].refused);
        assert_int_equal(
            try_open(name, COH_LINKS_OF_OWNER, false), cases[i].of_owner);
        assert_int_equal(
            try_open(name, COH_LINKS_FOLLOWED, true), cases[i].confined);
        assert_int_equal(
            try_open(name, COH_LINKS_REFUSED, true), cases[i].both);
    }
    assert_int_equal(try_open("current/link", COH_LINKS_OF_OWNER, true), 0);
    assert_int_equal(try_open("current/out", COH_LINKS_OF_OWNER, true), -EXDEV);
}

static void
test_nothing_is_trusted_without_from(void **state)
{
    struct coh_file_way way = way_to("current/file", COH_LINKS_REFUSED, false);
    struct stat status;
    int fd;

    (void)state;
    way.trusted_size = 0;
    assert_int_equal(coh_file_open(&way, &status), -ENOTDIR);
    way.name = cohort_str(path_of("one/file"));
    fd = coh_file_open(&way, &status);
    assert_true(fd >= 0);
    close(fd);
}

static struct coh_file_cache *cache;

static void
expect_content(const struct coh_file_way *way, const char *content)
{
    struct coh_file *file;

    assert_int_equal(coh_file_cache_open(cache, way, &file), 0);
    assert_memory_equal(file->bytes, content, strlen(content));
    coh_file_release(file);
}

static void
point_current_to(const char *target)
{
    assert_int_equal(symlink(target, path_of("next")), 0);
    assert_int_equal(rename(path_of("next"), path_of("current")), 0);
}

static void
test_a_root_that_is_pointed_elsewhere(void **state)
{
    char name[128];
    struct coh_file_way ways[4];
    size_t i;

    (void)state;
    cache = coh_file_cache_new(&loop);
    ways[0] = way_to("current/file", COH_LINKS_FOLLOWED, false);
    ways[1] = way_to("current/file", COH_LINKS_FOLLOWED, true);
    ways[2] = way_to("current/file", COH_LINKS_REFUSED, false);
    ways[3] = way_to("current/file", COH_LINKS_OF_OWNER, true);
    strcpy(name, path_of("current/file"));
    for (i = 0; i < 4; i++) {
        ways[i].name.data = name;
        expect_content(&ways[i], "one/file");
    }
    point_current_to("two");
    for (i = 0; i < 4; i++) {
        expect_content(&ways[i], "one/file"); /* believed for a second */
    }
    loop.clock.now_ms += 1000;
    for (i = 0; i < 4; i++) {
        expect_content(&ways[i], "two/file");
    }
    point_current_to("one");
    coh_file_cache_free(cache);
}

/* What one way has opened is not had by another one; and a file that a link
   takes the place of is no longer had by those that refuse links. */
static void
test_the_cache_keeps_ways_apart(void **state)
{
    struct coh_file_way free_way;
    struct coh_file_way strict;
    struct coh_file_way confined;
    struct coh_file *file;
    char name[128];

    (void)state;
    cache = coh_file_cache_new(&loop);
    free_way = way_to("current/out", COH_LINKS_FOLLOWED, false);
    strict = way_to("current/out", COH_LINKS_REFUSED, false);
    confined = way_to("current/out", COH_LINKS_FOLLOWED, true);
    strcpy(name, path_of("current/out"));
    free_way.name.data = strict.name.data = confined.name.data = name;
    expect_content(&free_way, "two/file");
    assert_int_equal(coh_file_cache_open(cache, &strict, &file), -ELOOP);
    assert_int_equal(coh_file_cache_open(cache, &confined, &file), -EXDEV);
    expect_content(&free_way, "two/file");

    assert_int_equal(unlink(path_of("one/out")), 0);
    assert_int_equal(link(path_of("two/file"), path_of("one/out")), 0);
    expect_content(&strict, "two/file");
    expect_content(&confined, "two/file");
    assert_int_equal(unlink(path_of("one/out")), 0);
    assert_int_equal(symlink("../two/file", path_of("one/out")), 0);
    loop.clock.now_ms += 1000;
    assert_int_equal(coh_file_cache_open(cache, &strict, &file), -ELOOP);
    assert_int_equal(coh_file_cache_open(cache, &confined, &file), -EXDEV);
    coh_file_cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_way),
        cmocka_unit_test(test_nothing_is_trusted_without_from),
        cmocka_unit_test(test_a_root_that_is_pointed_elsewhere),
        cmocka_unit_test(test_the_cache_keeps_ways_apart),
    };

    coh_hash_init();
    return cmocka_run_group_tests(tests, setup, teardown);
}
