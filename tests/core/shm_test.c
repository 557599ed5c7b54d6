/* Shared memory: seen by others, and of a size that holds. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/shm.h"

static void
test_shared(void **state)
{
    int fd = coh_shm_create("cohort test", 8192);
    char *memory;
    int status;
    pid_t child;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    memory = coh_shm_map(fd, 8192);
    assert_non_null(memory);
    assert_int_equal(memory[8191], 0);
    child = fork();
    if (child == 0) {
        memory[8191] = 'x';
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(memory[8191], 'x');
    coh_shm_unmap(memory, 8192);
    coh_shm_unmap(NULL, 0);
    close(fd);
}

static void
test_size_holds(void **state)
{
    int fd = coh_shm_create("cohort test", 4096);

    (void)state;
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 8192), -1);
    assert_null(coh_shm_map(fd, 4097));
    assert_int_equal(errno, EINVAL);
    close(fd);
    assert_null(coh_shm_map(-1, 1));
    assert_int_equal(coh_shm_create("cohort test", SIZE_MAX), -EFBIG);
}

/* Kernels may insist on it (vm.memfd_noexec); those before 6.3 cannot. */
static void
test_nothing_of_it_is_executed(void **state)
{
    int sized = coh_shm_create("cohort test", 1);
    int empty = coh_shm_create_empty("cohort test");
    struct stat of_sized;
    struct stat of_empty;

    (void)state;
    assert_int_equal(fstat(sized, &of_sized), 0);
    assert_int_equal(fstat(empty, &of_empty), 0);
    assert_int_equal(of_empty.st_size, 0);
    assert_int_equal(of_empty.st_mode, of_sized.st_mode);
    assert_int_equal(fcntl(empty, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(empty, "x", 1), 1);
    assert_int_equal(fcntl(empty, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_int_equal(write(empty, "x", 1), -1);
    close(sized);
    close(empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_size_holds),
        cmocka_unit_test(test_nothing_of_it_is_executed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
