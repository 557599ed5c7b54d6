/* The cache of files: what is kept, for how long, and who frees it. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/event.h"
#include "core/hash.h"
#include "http/file_cache.h"
#include "http/file_open.h"

static char folder[] = "/tmp/cohort-cache-XXXXXX";
static char name[64];
static struct coh_loop loop;
static struct coh_file_cache *cache;

static int
setup(void **state)
{
    (void)state;
    if (folder[strlen(folder) - 1] == 'X' && !mkdtemp(folder)) {
        return -1;
    }
    snprintf(name, sizeof(name), "%s/file", folder);
    coh_hash_init();
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    loop.clock.now_ms = 1000000;
    cache = coh_file_cache_new(&loop);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_file_cache_free(cache);
    coh_loop_fini(&loop);
    unlink(name);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void
write_file(const char *content, size_t size)
{
    char path[80];
    int fd;

    snprintf(path, sizeof(path), "%s.new", name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), size);
    close(fd);
    assert_int_equal(rename(path, name), 0);
}

static int
open_named(
    struct coh_file_cache *from, const char *path, struct coh_file **file)
{
    struct coh_file_way way = {.name = cohort_str(path)};

    return coh_file_cache_open(from, &way, file);
}

static struct coh_file *
must_open(void)
{
    struct coh_file *file = NULL;

    assert_int_equal(open_named(cache, name, &file), 0);
    return file;
}

static void
expect(const char *content)
{
    struct coh_file *file = must_open();

    assert_int_equal(file->size, strlen(content));
    assert_memory_equal(file->bytes, content, strlen(content));
    coh_file_release(file);
}

static void
test_believed_for_a_second(void **state)
{
    (void)state;
    write_file("one", 3);
    expect("one");
    write_file("two!", 4);
    loop.clock.now_ms += 999;
    expect("one");
    loop.clock.now_ms += 1;
    expect("two!");
    /* What has not changed stays the same entry. */
    loop.clock.now_ms += 5000;
    expect("two!");
}

static void
test_deleted(void **state)
{
    struct coh_file *file;

    (void)state;
    write_file("one", 3);
    expect("one");
    unlink(name);
    loop.clock.now_ms += 1000;
    assert_int_equal(open_named(cache, name, &file), -ENOENT);
    /* That it is not there is not kept. */
    write_file("new", 3);
    expect("new");
}

static void
test_held_while_used(void **state)
{
    struct coh_file *old;

    (void)state;
    write_file("one", 3);
    old = must_open();
    write_file("two", 3);
    loop.clock.now_ms += 1000;
    expect("two");
    assert_memory_equal(old->bytes, "one", 3);
    coh_file_hold(old);
    coh_file_release(old);
    coh_file_cache_free(cache);
    cache = NULL;
    assert_memory_equal(old->bytes, "one", 3);
    coh_file_release(old);
}

static void
test_large_by_descriptor(void **state)
{
    static char content[COH_FILE_BYTES_MAX + 1];
    struct coh_file *file;

    (void)state;
    write_file(content, sizeof(content) - 1);
    file = must_open();
    assert_non_null(file->bytes);
    assert_int_equal(file->fd, -1);
    coh_file_release(file);
    write_file(content, sizeof(content));
    loop.clock.now_ms += 1000;
    file = must_open();
    assert_null(file->bytes);
    assert_true(fcntl(file->fd, F_GETFD) & FD_CLOEXEC);
    coh_file_release(file);
}

static void
test_regular_files_alone(void **state)
{
    struct coh_file *file;

    (void)state;
    assert_int_equal(open_named(cache, folder, &file), -EISDIR);
    assert_int_equal(open_named(cache, "/dev/null", &file), -EINVAL);
    /* A fifo without a writer must not block. */
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_int_equal(open_named(cache, name, &file), -EINVAL);
    unlink(name);
    assert_int_equal(symlink("nowhere", name), 0);
    assert_int_equal(open_named(cache, name, &file), -ENOENT);
}

static unsigned
count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* Files under as many names, each opened and released. */
static void
ask_for(struct coh_file_cache *of, int count)
{
    struct coh_file *file;
    char path[128];

    for (int i = 1; i <= count; i++) {
        snprintf(
            path, sizeof(path), "%s%.*sfile", folder, i,
            "////////////////////////////////////////////////////////////////");
        assert_int_equal(open_named(of, path, &file), 0);
        coh_file_release(file);
    }
}

static void
write_large_file(void)
{
    static char content[COH_FILE_BYTES_MAX + 1];

    write_file(content, sizeof(content));
}

static int
count_events(void)
{
    return event_base_get_num_events(loop.base, EVENT_BASE_COUNT_ADDED);
}

/* A deleted file is not kept on the disk by us for longer. */
static void
test_unused_for_a_minute(void **state)
{
    unsigned before = count_descriptors();
    int events_before = count_events();

    (void)state;
    write_large_file();
    ask_for(cache, 3);
    unlink(name);
    loop.clock.now_ms += 59999;
    coh_file_cache_age(cache);
    assert_int_equal(count_descriptors(), before + 3);
    loop.clock.now_ms++;
    assert_int_equal(count_events(), events_before + 1); /* to look at it */
    coh_file_cache_age(cache);
    assert_int_equal(count_descriptors(), before);
}

static void
test_used_within_a_minute(void **state)
{
    unsigned before = count_descriptors();
    struct coh_file *file;

    (void)state;
    write_large_file();
    ask_for(cache, 3);
    loop.clock.now_ms += 30000;
    ask_for(cache, 1);
    loop.clock.now_ms += 30000;
    coh_file_cache_age(cache);
    assert_int_equal(count_descriptors(), before + 1);
    /* One that is still being sent stays open until it has been. */
    file = must_open();
    loop.clock.now_ms += 60000;
    coh_file_cache_age(cache);
    assert_int_equal(count_descriptors(), before + 1);
    assert_true(fcntl(file->fd, F_GETFD) >= 0);
    coh_file_release(file);
    assert_int_equal(count_descriptors(), before);
}

/* Returns what it was before. */
static rlim_t
set_descriptor_limit(rlim_t max)
{
    struct rlimit limit;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* As a limit it leaves no descriptor. */
static rlim_t
lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return (rlim_t)fd;
}

/* The same file under a name that was not asked for. */
static struct coh_file *
must_open_anew(void)
{
    struct coh_file *file = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/./file", folder);
    assert_int_equal(open_named(cache, path, &file), 0);
    return file;
}

/* Many names, each with a descriptor: the cache keeps a share of them. */
static void
test_bounded(void **state)
{
    rlim_t before = set_descriptor_limit(64);
    struct coh_file_cache *small = coh_file_cache_new(&loop);
    unsigned count = count_descriptors();

    (void)state;
    write_large_file();
    ask_for(small, 63);
    assert_int_equal(count_descriptors(), count + 8);
    coh_file_cache_free(small);
    set_descriptor_limit(before);
}

/* When the process has none left, the cache gives up half of its own, and takes
   as many as before when there are enough again. */
static void
test_gives_up_descriptors_for_a_while(void **state)
{
    unsigned others = count_descriptors();
    rlim_t before;
    struct coh_file *file;

    (void)state;
    write_large_file();
    ask_for(cache, 8);
    assert_int_equal(count_descriptors(), others + 8);
    before = set_descriptor_limit(lowest_free());
    file = must_open_anew();
    set_descriptor_limit(before);
    coh_file_release(file);
    ask_for(cache, 8);
    assert_int_equal(count_descriptors(), others + 4);
    loop.clock.now_ms += 9999;
    ask_for(cache, 8);
    assert_int_equal(count_descriptors(), others + 4);
    loop.clock.now_ms++;
    ask_for(cache, 8);
    assert_int_equal(count_descriptors(), others + 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_believed_for_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held_while_used, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_large_by_descriptor, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_regular_files_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_unused_for_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_used_within_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_gives_up_descriptors_for_a_while, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
