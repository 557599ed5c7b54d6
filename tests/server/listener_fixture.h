/* Listening addresses of two instances in one process, and a folder for
   paths. */
#ifndef COH_TESTS_SERVER_LISTENER_FIXTURE_H
#define COH_TESTS_SERVER_LISTENER_FIXTURE_H

#include "core/event.h"
#include "core/log.h"
#include "server/accept/listener.h"
#include "tests/core/test.h"

struct listener_fixture {
    struct cohort_log log;
    struct coh_listeners listeners;
    struct coh_listeners others; /* another instance's */
    struct coh_loop loop;
    char why[COH_LISTENER_WHY_MAX];
    char folder[32];
    unsigned done;
};

/* For cmocka. The end checks that no file of ours is left. */
int listener_setup(void **state);
int listener_teardown(void **state);

/* What to listen on: a text, any port of 127.0.0.1, a path in the folder. */
struct coh_listen_request listen_at(const char *text);
struct coh_listen_request listen_at_any_port(void);
struct coh_listen_request listen_at_file(struct listener_fixture *fixture);

/* Open it, which succeeds. */
struct coh_listener *listen_open(
    struct listener_fixture *fixture, struct coh_listen_request request);

/* Open it as another instance, which fails: -errno, and why in the fixture. */
int listen_refused(
    struct listener_fixture *fixture, struct coh_listen_request request);

#define LISTENER_TEST(test)                                                    \
    cmocka_unit_test_setup_teardown(test, listener_setup, listener_teardown)

#endif
