/* A worker with the HTTP service and no engine around it: configured by a text,
   fed through socket pairs or a port. */
#ifndef COH_TESTS_HTTP_HARNESS_H
#define COH_TESTS_HTTP_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

#include "core/event.h"
#include "http/service.h"

struct harness;

/*
 * Load and start the service. text: what stands in http {}. One server must
 * listen: connections come to the first address. Ends the process with the
 * errors of the configuration.
 */
struct harness *harness_new(const char *text);

/* Let go of everything, as a worker does when it ends. */
void harness_free(struct harness *harness);

struct coh_http *harness_http(struct harness *harness);
struct coh_loop *harness_loop(struct harness *harness);

/* A connection that was accepted elsewhere; non-blocking, now the service's. */
void harness_give(struct harness *harness, int fd);

/* A client's end of a new connection; non-blocking, the caller's. */
int harness_connect(struct harness *harness);

/* The same over TCP on the loopback. */
int harness_connect_tcp(struct harness *harness);

/* Let the worker do what it can without waiting. */
void harness_turn(struct harness *harness);

/* Let time pass for its deadlines: ms milliseconds at once. */
void harness_pass(struct harness *harness, uint64_t ms);

/* Send text, run the worker, and read all that comes back, until there is
   nothing more or the connection is closed. Returns what was read, NUL-
   terminated, in memory of the harness that the next call uses again. */
const char *harness_exchange(
    struct harness *harness, int fd, const char *text, size_t size);

/* Is the connection closed by the worker? Reads and drops what still comes. */
bool harness_is_closed(struct harness *harness, int fd);

/* One of the service's counters (enum coh_http_counter). */
uint64_t harness_counter(
    const struct harness *harness, enum coh_http_counter counter);

/* Connections that were given and not yet given back. */
size_t harness_open_count(const struct harness *harness);

/* The service has said that nothing is open, after harness_drain(). */
bool harness_is_idle(const struct harness *harness);
void harness_drain(struct harness *harness);

/* What stands in a file that load() asked for, after what is buffered was
   written; "" if it did not. NUL-terminated. */
const char *harness_file(struct harness *harness, const char *path);

/* Let such a file be another descriptor, which stays the caller's. */
void harness_use_fd(struct harness *harness, const char *path, int fd);

/* Lines of the error log since the last call; NUL-terminated. */
const char *harness_log(struct harness *harness);

#endif
