/* Listening addresses of two instances in one process, and a folder for
   paths. */
#include "tests/server/listener_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
listener_setup(void **state)
{
    struct listener_fixture *fixture = calloc(1, sizeof(*fixture));

    coh_log_init(&fixture->log, NULL);
    coh_listeners_init(&fixture->listeners, &fixture->log);
    coh_listeners_init(&fixture->others, &fixture->log);
    assert_int_equal(coh_loop_init(&fixture->loop, NULL), 0);
    strcpy(fixture->folder, "/tmp/cohort-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    *state = fixture;
    return 0;
}

int
listener_teardown(void **state)
{
    struct listener_fixture *fixture = *state;

    coh_listeners_fini(&fixture->listeners, true);
    coh_listeners_fini(&fixture->others, true);
    coh_loop_fini(&fixture->loop);
    /* Nothing of ours is left in it. */
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

struct coh_listen_request
listen_at(const char *text)
{
    struct coh_listen_request request = {.options = {.ipv6only = true}};
    const char *why = "";

    assert_int_equal(
        coh_addr_parse(cohort_str(text), 80, &request.address, &why), 0);
    return request;
}

struct coh_listen_request
listen_at_any_port(void)
{
    struct coh_listen_request request = listen_at("127.0.0.1:1");

    coh_addr_set_port(&request.address, 0);
    return request;
}

struct coh_listen_request
listen_at_file(struct listener_fixture *fixture)
{
    char text[64];

    snprintf(text, sizeof(text), "unix:%s/socket", fixture->folder);
    return listen_at(text);
}

struct coh_listener *
listen_open(struct listener_fixture *fixture, struct coh_listen_request request)
{
    struct coh_listener *listener;

    assert_int_equal(
        coh_listener_open(
            &fixture->listeners, &request, &listener, fixture->why),
        0);
    return listener;
}

int
listen_refused(
    struct listener_fixture *fixture, struct coh_listen_request request)
{
    struct coh_listener *listener = (struct coh_listener *)1;
    int result =
        coh_listener_open(&fixture->others, &request, &listener, fixture->why);

    assert_null(listener);
    assert_true(TAILQ_EMPTY(&fixture->others.list));
    return result;
}
