/* The pid file: written whole, locked, checked, removed. */
#include "server/process/pidfile.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"

struct fixture {
    char folder[32];
    char path[64];
    char why[COH_PIDFILE_WHY_MAX];
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    strcpy(fixture->folder, "/tmp/cohort-pid-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/pid", fixture->folder);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static void
write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
test_written_and_removed(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    char text[32] = "";
    FILE *file;

    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), 0);
    file = fopen(fixture->path, "r");
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    assert_int_equal(atoi(text), getpid());
    assert_int_equal(text[strlen(text) - 1], '\n');
    coh_pidfile_remove(&pidfile);
    assert_int_equal(access(fixture->path, F_OK), -1);
    coh_pidfile_remove(&pidfile); /* fine twice */
}

static void
test_no_path_is_no_file(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;

    assert_int_equal(coh_pidfile_write(&pidfile, NULL, 0, fixture->why), 0);
    coh_pidfile_remove(&pidfile);
    assert_int_equal(coh_pidfile_write(&pidfile, "", 0, fixture->why), 0);
    coh_pidfile_remove(&pidfile);
}

/* A child that holds the file until the returned pipe is closed. */
static pid_t
start_owner(const char *path, int *end)
{
    int ready[2];
    int over[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(over), 0);
    pid = fork();
    if (pid == 0) {
        struct coh_pidfile pidfile;
        char why[COH_PIDFILE_WHY_MAX];

        close(over[1]);
        if (coh_pidfile_write(&pidfile, path, 0, why) == 0 &&
            write(ready[1], "!", 1) == 1) {
            (void)!read(over[0], &byte, 1);
        }
        _exit(0);
    }
    close(ready[1]);
    close(over[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *end = over[1];
    return pid;
}

static void
test_a_living_instance_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    char number[16];
    int end;
    pid_t pid = start_owner(fixture->path, &end);

    assert_int_equal(coh_pidfile_owner(fixture->path), pid);
    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), -EEXIST);
    snprintf(number, sizeof(number), "%d", (int)pid);
    assert_non_null(strstr(fixture->why, number));
    assert_non_null(strstr(fixture->why, fixture->path));
    close(end);
    waitpid(pid, NULL, 0);
}

static void
test_one_that_is_not_named_lives_too(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    int end;
    pid_t pid = start_owner(fixture->path, &end);

    write_text(fixture->path, "not a number\n");
    assert_int_equal(coh_pidfile_owner(fixture->path), -EINVAL);
    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), -EEXIST);
    assert_non_null(strstr(fixture->why, "a process holds the pid file"));
    assert_null(strstr(fixture->why, "process 0"));
    close(end);
    waitpid(pid, NULL, 0);
}

/* In a pid namespace of its own, where the holder of the lock has no number. */
static int
look_from_elsewhere(const char *path)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWPID) < 0) {
            _exit(77);
        }
        pid = fork();
        if (pid == 0) {
            _exit(coh_pidfile_owner(path) > 0 ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        _exit(WEXITSTATUS(status));
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void
test_an_instance_in_another_pid_namespace_lives_too(void **state)
{
    struct fixture *fixture = *state;
    int end;
    pid_t pid = start_owner(fixture->path, &end);
    int found = look_from_elsewhere(fixture->path);

    close(end);
    waitpid(pid, NULL, 0);
    if (found == 77) {
        skip(); /* not ours to make */
    }
    assert_int_equal(found, 0);
}

static void
test_a_stale_file_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    int end;
    pid_t pid = start_owner(fixture->path, &end);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(end);
    assert_int_equal(access(fixture->path, F_OK), 0);
    assert_int_equal(coh_pidfile_owner(fixture->path), 0);
    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), 0);
    coh_pidfile_remove(&pidfile);
}

static void
test_what_is_no_number_is_stale(void **state)
{
    struct fixture *fixture = *state;

    write_text(fixture->path, "not a number\n");
    assert_int_equal(coh_pidfile_owner(fixture->path), 0);
    assert_int_equal(coh_pidfile_owner("/nonexistent/pid"), 0);
}

static void
test_a_file_of_somebody_else_is_left(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;

    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), 0);
    unlink(fixture->path);
    write_text(fixture->path, "1\n");
    coh_pidfile_remove(&pidfile);
    assert_int_equal(access(fixture->path, F_OK), 0);
}

static void
test_a_missing_folder_says_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;

    assert_int_equal(
        coh_pidfile_write(&pidfile, "/nonexistent/pid", 0, fixture->why),
        -ENOENT);
    assert_non_null(strstr(fixture->why, "/nonexistent/pid"));
    assert_non_null(strstr(fixture->why, "pid directive"));
}

static void
test_no_room_is_named_and_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    struct rlimit before;
    struct rlimit none;
    char temporary[80];
    int result;

    snprintf(temporary, sizeof(temporary), "%s.new", fixture->path);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
    result = coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(result, -EFBIG);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void
test_one_that_starts_at_the_same_moment_is_another_instance(void **state)
{
    struct fixture *fixture = *state;
    struct coh_pidfile pidfile;
    char temporary[80];
    int end;
    pid_t pid;

    snprintf(temporary, sizeof(temporary), "%s.new", fixture->path);
    pid = start_owner(temporary, &end);
    assert_int_equal(
        coh_pidfile_write(&pidfile, fixture->path, 0, fixture->why), -EEXIST);
    assert_non_null(strstr(fixture->why, "another instance runs"));
    assert_int_equal(access(temporary, F_OK), 0);
    close(end);
    waitpid(pid, NULL, 0);
    unlink(temporary);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_written_and_removed),
        UNIT(test_no_path_is_no_file),
        UNIT(test_a_living_instance_is_named),
        UNIT(test_one_that_is_not_named_lives_too),
        UNIT(test_an_instance_in_another_pid_namespace_lives_too),
        UNIT(test_a_stale_file_is_replaced),
        UNIT(test_what_is_no_number_is_stale),
        UNIT(test_a_file_of_somebody_else_is_left),
        UNIT(test_a_missing_folder_says_what_to_do),
        UNIT(test_no_room_is_named_and_leaves_nothing),
        UNIT(test_one_that_starts_at_the_same_moment_is_another_instance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
