/* The directives of the processes, loaded as a configuration would. */
#include "server/process/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/cpu.h"
#include "core/shm.h"
#include "server/process/dump.h"
#include "server/process/load.h"
#include "server/process/sandbox.h"
#include "tests/core/test.h"

/* A service that asks for nothing. */
static int
load_nothing(
    struct cohort_load *load, void *const *settings, void *user, void **state)
{
    (void)load;
    (void)settings;
    (void)user;
    *state = NULL;
    return 0;
}

static const struct cohort_service service = {
    .api = COHORT_SERVICE_API,
    .name = "nothing",
    .load = load_nothing,
};

struct fixture {
    struct cohort_load *load;
    struct coh_options options;
    char told[4096];
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->options = (struct coh_options){
        .prefix = "/srv", .text_name = "text", .text_pid_path = "/tmp/x.pid"};
    unsetenv("COHORT_SCHED_POLICY");
    *state = fixture;
    return 0;
}

static void
free_load(struct fixture *fixture)
{
    if (fixture->load) {
        coh_load_free(fixture->load);
        free(fixture->load);
        fixture->load = NULL;
    }
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    free_load(fixture);
    free(fixture);
    return 0;
}

static void
note(void *user, bool is_error, const char *text)
{
    struct fixture *fixture = user;

    (void)is_error;
    strncat(
        fixture->told, text, sizeof(fixture->told) - strlen(fixture->told) - 1);
}

static const struct coh_settings *
load(struct fixture *fixture, const char *text)
{
    free_load(fixture);
    fixture->load = calloc(1, sizeof(*fixture->load));
    fixture->load->tell = note;
    fixture->load->user = fixture;
    fixture->options.text = cohort_str(text);
    fixture->told[0] = '\0';
    return coh_load_run(fixture->load, &fixture->options, &service, false) == 0
        ? fixture->load->settings
        : NULL;
}

static void
test_defaults(void **state)
{
    const struct coh_settings *settings = load(*state, "");

    assert_non_null(settings);
    assert_int_equal(settings->worker_processes, coh_cpu_count());
    assert_true(settings->worker_processes_max >= 64);
    assert_true(settings->has_primary);
    assert_false(settings->is_daemon); /* as the configuration is no file */
    assert_string_equal(settings->pid_path.data, "/tmp/x.pid");
    assert_int_equal(settings->reload_timeout_ms, 60000);
    assert_int_equal(settings->log.target_count, 1);
    assert_int_equal(settings->log.targets[0]->fd, 2);
}

static void
test_values(void **state)
{
    const struct coh_settings *settings = load(
        *state,
        "worker_processes 3; daemon on; pid run/x.pid; error_log stderr info;"
        "worker_rlimit_nofile 4096; worker_shutdown_timeout 2m;"
        "reload_timeout 5s; scheduling_policy shared;"
        "events { worker_connections 77; use epoll; multi_accept on; }");

    assert_non_null(settings);
    assert_int_equal(settings->worker_processes, 3);
    assert_true(settings->is_daemon);
    assert_string_equal(settings->pid_path.data, "/srv/run/x.pid");
    assert_int_equal(settings->log.level, COHORT_LOG_INFO);
    assert_int_equal(settings->descriptor_limit, 4096);
    assert_int_equal(settings->shutdown_timeout_ms, 120000);
    assert_int_equal(settings->reload_timeout_ms, 5000);
    assert_int_equal(settings->policy, COHORT_POLICY_SHARED);
    assert_int_equal(settings->worker_connections, 77);
}

static void
test_what_is_refused(void **state)
{
    static const char *const wrong[] = {
        "worker_processes 0;",
        "worker_processes many;",
        "error_log stderr loud;",
        "error_log syslog:server=x;",
        "error_log /nonexistent/folder/log;",
        "scheduling_policy fair;",
        "worker_connections 5;", /* not in events */
        "events { worker_connections 0; }",
        "daemon maybe;",
        "events { use force; }",
        "events { multi_accept maybe; }",
        "events { accept_mutex 1; }",
        "events { accept_mutex_delay soon; }",
        "events { worker_aio_requests many; }",
        "debug_points here;",
        "pcre_jit maybe;",
        "thread_pool default threads=many;",
        "thread_pool default threads=4 max_queue=;",
        "thread_pool default 4;",
        "timer_resolution fine;",
        "reload_timeout 0;",
        "user no_such_user_here;",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (geteuid() != 0 && strncmp(wrong[i], "user", 4) == 0) {
            continue; /* a warning only */
        }
        if (load(fixture, wrong[i])) {
            fail_msg("accepted: %s", wrong[i]);
        }
        assert_non_null(strstr(fixture->told, "text:1"));
    }
}

/* As nginx documents them. */
static void
test_what_has_no_effect_is_accepted(void **state)
{
    assert_non_null(load(
        *state,
        "debug_points abort; lock_file logs/nginx.lock; pcre_jit on;"
        "thread_pool default threads=32 max_queue=65536;"
        "thread_pool other threads=4; timer_resolution 100ms;"
        "events { use epoll; multi_accept on; accept_mutex off;"
        "accept_mutex_delay 500ms; worker_aio_requests 32;"
        "debug_connection 192.0.2.0/24; debug_connection unix:; }"));
}

static void
test_more_workers_than_there_may_be(void **state)
{
    struct fixture *fixture = *state;

    assert_null(load(fixture, "worker_processes 5; worker_processes_max 4;"));
    assert_non_null(strstr(fixture->told, "worker_processes_max"));
    assert_non_null(strstr(fixture->told, "text:1:21"));
    assert_non_null(strstr(fixture->told, "leave it out"));
}

/* As nginx does, which knows no most. */
static void
test_as_many_workers_as_are_configured(void **state)
{
    const struct coh_settings *settings =
        load(*state, "worker_processes 4096;");

    assert_non_null(settings);
    assert_int_equal(settings->worker_processes, 4096);
    assert_int_equal(settings->worker_processes_max, 4096);
}

static void
test_the_environment_chooses_a_policy(void **state)
{
    struct fixture *fixture = *state;

    setenv("COHORT_SCHED_POLICY", "none", 1);
    assert_int_equal(load(fixture, "")->policy, COHORT_POLICY_SHARED);
    setenv("COHORT_SCHED_POLICY", "rr", 1);
    assert_int_equal(load(fixture, "")->policy, COHORT_POLICY_ROUND_ROBIN);
    setenv("COHORT_SCHED_POLICY", "least_conn", 1);
    assert_int_equal(load(fixture, "")->policy, COHORT_POLICY_LEAST_CONN);
    assert_int_equal(
        load(fixture, "scheduling_policy reuseport;")->policy,
        COHORT_POLICY_REUSEPORT);
    setenv("COHORT_SCHED_POLICY", "whatever", 1);
    assert_int_equal(load(fixture, "")->policy, COHORT_POLICY_DEFAULT);
}

static void
test_programs_have_no_sandbox_unless_they_ask(void **state)
{
    struct fixture *fixture = *state;
    const char *why;
    int basic = coh_sandbox_is_built(COH_SANDBOX_BASIC, &why)
        ? COH_SANDBOX_BASIC
        : COH_SANDBOX_OFF;

    assert_int_equal(load(fixture, "")->sandbox, basic);
    assert_int_equal(
        load(fixture, "worker_sandbox off;")->sandbox, COH_SANDBOX_OFF);
    fixture->options.text_pid_path = NULL;
    assert_int_equal(load(fixture, "")->sandbox, COH_SANDBOX_OFF);
    if (basic == COH_SANDBOX_BASIC) {
        assert_int_equal(
            load(fixture, "worker_sandbox basic;")->sandbox, basic);
    } else {
        assert_null(load(fixture, "worker_sandbox basic;"));
        assert_non_null(strstr(fixture->told, why));
    }
}

static void
test_paths_stand_behind_on_alone(void **state)
{
    struct fixture *fixture = *state;

    assert_null(load(fixture, "worker_sandbox off /srv/x;"));
    assert_non_null(strstr(fixture->told, "behind \"on\" alone"));
    assert_null(load(fixture, "worker_sandbox maybe;"));
}

static void
test_the_same_log_file_is_one_file(void **state)
{
    struct fixture *fixture = *state;

    assert_non_null(load(
        fixture,
        "error_log /tmp/cohort-settings-test info;"
        "error_log /tmp/cohort-settings-test error;"));
    assert_int_equal(fixture->load->file_count, 1);
    assert_int_equal(fixture->load->settings->log.target_count, 2);
}

/* Where the kernel insists on memory that is not executed, there is no other. */
static void
test_a_dump_is_memory_like_all_other(void **state)
{
    struct fixture *fixture = *state;
    int memory = coh_shm_create("cohort test", 1);
    struct stat of_memory;
    struct stat of_dump;
    int dump;

    assert_non_null(load(fixture, "worker_processes 3;"));
    dump = coh_dump_to_memory(fixture->load);
    assert_int_equal(fstat(memory, &of_memory), 0);
    assert_int_equal(fstat(dump, &of_dump), 0);
    assert_true(of_dump.st_size > 0);
    assert_int_equal(of_dump.st_mode, of_memory.st_mode);
    close(dump);
    close(memory);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_defaults),
        UNIT(test_values),
        UNIT(test_what_is_refused),
        UNIT(test_what_has_no_effect_is_accepted),
        UNIT(test_more_workers_than_there_may_be),
        UNIT(test_as_many_workers_as_are_configured),
        UNIT(test_the_environment_chooses_a_policy),
        UNIT(test_programs_have_no_sandbox_unless_they_ask),
        UNIT(test_paths_stand_behind_on_alone),
        UNIT(test_the_same_log_file_is_one_file),
        UNIT(test_a_dump_is_memory_like_all_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
