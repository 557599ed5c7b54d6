/* Links of owners while somebody exchanges what is looked at. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/file_walk.h"

#define READ (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define SOMEBODY 12345
#define WALKS 20000

static char folder[] = "/tmp/cohort-step-XXXXXX";
static int root;

static void
make_file(const char *name)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT, 0644);

    assert_true(fd >= 0);
    close(fd);
}

static int
setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    make_file("secret");
    make_file("harmless");
    assert_int_equal(symlinkat("secret", root, "spot"), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    unlinkat(root, "secret", 0);
    unlinkat(root, "harmless", 0);
    unlinkat(root, "spot", 0);
    close(root);
    return rmdir(folder);
}

/* Exchange a link to the secret and a file of the secret's owner until the
   parent has seen enough. */
static pid_t
flicker(void)
{
    pid_t child = fork();

    assert_true(child >= 0);
    while (child == 0) {
        if (renameat2(root, "spot", root, "harmless", RENAME_EXCHANGE) < 0) {
            _exit(1);
        }
    }
    return child;
}

static void
test_no_exchange_lends_a_link_an_owner(void **state)
{
    struct stat secret;
    struct stat opened;
    unsigned harmless_count = 0;
    unsigned refused_count = 0;
    unsigned secret_count = 0;
    int status;
    pid_t child;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* nobody else can give a link away */
    }
    assert_int_equal(
        fchownat(root, "spot", SOMEBODY, SOMEBODY, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(fstatat(root, "secret", &secret, 0), 0);
    child = flicker();
    for (int i = 0; i < WALKS || !harmless_count || !refused_count; i++) {
        int fd = coh_file_walk(root, "spot", READ, COH_WALK_OWNERS);

        if (fd == -ELOOP) {
            refused_count++;
            continue;
        }
        if (fd < 0 || fstat(fd, &opened) < 0 || i > 100 * WALKS) {
            break;
        }
        close(fd);
        harmless_count += opened.st_ino != secret.st_ino;
        secret_count += opened.st_ino == secret.st_ino;
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it has gone on until then */
    assert_true(harmless_count > 0);
    assert_true(refused_count > 0);
    assert_int_equal(secret_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_exchange_lends_a_link_an_owner),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
