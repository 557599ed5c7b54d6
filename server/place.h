/* Where a server can be reached: its pid file and its admin socket, as its
   configuration says. */
#ifndef COH_SERVER_PLACE_H
#define COH_SERVER_PLACE_H

#include <stdbool.h>

struct coh_arena;
struct coh_options;
struct cohort_service;

struct coh_place {
    const char *pid_path;    /* NULL: unknown, since the file has errors */
    const char *socket_path; /* NULL: "admin off" */
    bool has_primary;        /* master_process */
};

/*
 * Read the configuration for it. A running server must not be out of reach
 * because somebody is editing its file: one with errors is told of in one line
 * of standard error, and says as much as could be read of it; the rest is where
 * it is by default.
 *
 * place    Its texts live in the arena.
 * service  Whose directives the configuration may have.
 * Returns  0, or -EINVAL after the errors were told: there is no file at all,
 *          so nothing says which server is meant.
 */
int coh_place_find(
    struct coh_place *place, struct coh_arena *arena,
    const struct coh_options *options, const struct cohort_service *service);

#endif
