/* Settings of workers: merged, refused whole, given back to their defaults. */
#include "server/cluster/settings.h"

#include <stdio.h>

#include "core/log.h"
#include "tests/core/test.h"

static struct cohort_log silent;

static struct coh_cluster_settings *
make(
    const struct coh_cluster_settings *before,
    const struct cohort_settings *changes)
{
    struct coh_cluster_settings *made =
        coh_cluster_settings_make(before, changes, &silent);

    assert_non_null(made);
    return made;
}

static void
test_the_defaults_are_this_program_and_its_streams(void **state)
{
    struct coh_cluster_settings *made = make(NULL, NULL);

    (void)state;
    assert_true(made->is_self);
    assert_string_equal(made->shown.exec, COH_CLUSTER_SELF);
    assert_null(made->shown.exec_args[0]);
    assert_null(made->shown.cwd);
    assert_int_equal(made->shown.protocol, COHORT_PROTOCOL_COHORT);
    assert_int_equal(made->shown.serialization, COHORT_SERIALIZATION_JSON);
    assert_int_equal(made->shown.silent, COHORT_NO);
    assert_int_equal(made->shown.inspect_port, -1);
    assert_int_equal(made->shown.stdio_count, 4);
    assert_int_equal(made->shown.stdio[0].kind, COHORT_STDIO_INHERIT);
    assert_int_equal(made->channel, 3);
    assert_false(made->identity.is_set);
    coh_cluster_settings_free(made);
}

static void
test_changes_stand_over_what_was_before(void **state)
{
    static const char *const words[] = {"--use", "https", NULL};
    const struct cohort_settings first = {
        .exec = "/bin/one", .args = words, .silent = COHORT_YES};
    const struct cohort_settings second = {.exec = "/bin/two", .cwd = "/"};
    struct coh_cluster_settings *before = make(NULL, &first);
    struct coh_cluster_settings *made = make(before, &second);

    (void)state;
    coh_cluster_settings_free(before);
    assert_string_equal(made->shown.exec, "/bin/two");
    assert_string_equal(made->shown.args[1], "https");
    assert_string_equal(made->shown.cwd, "/");
    assert_int_equal(made->shown.silent, COHORT_YES);
    assert_int_equal(made->shown.stdio[1].kind, COHORT_STDIO_PIPE);
    coh_cluster_settings_free(made);
}

static void
test_empty_values_go_back_to_the_default(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const words[] = {"--flag", NULL};
    static const struct cohort_stdio list[] = {{.kind = COHORT_STDIO_IPC}};
    const struct cohort_settings first = {
        .exec = "/bin/one",
        .exec_args = words,
        .cwd = "/",
        .stdio = list,
        .stdio_count = 1,
    };
    const struct cohort_settings second = {
        .exec = "", .exec_args = none, .cwd = "", .stdio = list};
    struct coh_cluster_settings *before = make(NULL, &first);
    struct coh_cluster_settings *made;

    (void)state;
    assert_int_equal(before->channel, 0);
    made = make(before, &second);
    coh_cluster_settings_free(before);
    assert_true(made->is_self);
    assert_null(made->shown.exec_args[0]);
    assert_null(made->shown.cwd);
    assert_int_equal(made->shown.stdio_count, 4);
    coh_cluster_settings_free(made);
}

static void
test_stdio_replaces_silent_until_it_is_given_back(void **state)
{
    static const struct cohort_stdio list[] = {
        {.kind = COHORT_STDIO_NULL},
        {.kind = COHORT_STDIO_FILE, .path = "/tmp/x"},
        {.kind = COHORT_STDIO_IPC},
    };
    const struct cohort_settings first = {.stdio = list, .stdio_count = 3};
    const struct cohort_settings second = {.silent = COHORT_YES};
    struct coh_cluster_settings *before = make(NULL, &first);
    struct coh_cluster_settings *made = make(before, &second);

    (void)state;
    coh_cluster_settings_free(before);
    assert_int_equal(made->shown.stdio_count, 3);
    assert_string_equal(made->shown.stdio[1].path, "/tmp/x");
    assert_int_equal(made->channel, 2);
    coh_cluster_settings_free(made);
}

static void
test_bad_settings_are_refused(void **state)
{
    static const char *const bad_variable[] = {"A=1", "nonsense", NULL};
    static const struct cohort_stdio no_ipc[] = {{.kind = COHORT_STDIO_NULL}};
    static const struct cohort_stdio two_ipc[] = {
        {.kind = COHORT_STDIO_IPC}, {.kind = COHORT_STDIO_IPC}};
    static const struct cohort_stdio no_path[] = {
        {.kind = COHORT_STDIO_IPC}, {.kind = COHORT_STDIO_FILE}};
    static const struct cohort_stdio no_kind[] = {
        {.kind = COHORT_STDIO_IPC}, {.kind = (enum cohort_stdio_kind)77}};
    static struct cohort_stdio many[COHORT_STDIO_MAX + 1];
    const struct cohort_settings bad[] = {
        {.environment = bad_variable},
        {.stdio = no_ipc, .stdio_count = 1},
        {.stdio = two_ipc, .stdio_count = 2},
        {.stdio = no_path, .stdio_count = 2},
        {.stdio = no_kind, .stdio_count = 2},
        {.stdio = many, .stdio_count = COHORT_STDIO_MAX + 1},
        {.serialization = (enum cohort_serialization)9},
        {.protocol = (enum cohort_protocol)9},
        {.protocol = COHORT_PROTOCOL_NODE,
         .serialization = COHORT_SERIALIZATION_BINARY},
        {.user = "nobody-of-that-name"},
        {.group = "99999999999"},
        {.inspect_port = 65536},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(coh_cluster_settings_make(NULL, &bad[i], &silent));
    }
}

static void
test_users_and_groups_are_found_by_name_and_number(void **state)
{
    static const char *const groups[] = {"1", "2", NULL};
    const struct cohort_settings by_number = {
        .user = "65534", .group = "12", .groups = groups};
    const struct cohort_settings by_name = {.user = "root"};
    struct coh_cluster_settings *made = make(NULL, &by_number);

    (void)state;
    assert_true(made->identity.is_set);
    assert_int_equal(made->identity.user, 65534);
    assert_int_equal(made->identity.group, 12);
    assert_int_equal(made->identity.group_count, 2);
    assert_int_equal(made->identity.groups[1], 2);
    coh_cluster_settings_free(made);
    made = make(NULL, &by_name);
    assert_int_equal(made->identity.user, 0);
    assert_int_equal(made->identity.group, 0);
    assert_true(made->identity.group_count >= 1);
    coh_cluster_settings_free(made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_are_this_program_and_its_streams),
        cmocka_unit_test(test_changes_stand_over_what_was_before),
        cmocka_unit_test(test_empty_values_go_back_to_the_default),
        cmocka_unit_test(test_stdio_replaces_silent_until_it_is_given_back),
        cmocka_unit_test(test_bad_settings_are_refused),
        cmocka_unit_test(test_users_and_groups_are_found_by_name_and_number),
    };

    coh_log_init(&silent, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
