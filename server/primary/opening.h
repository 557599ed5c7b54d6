/* Opening what a template declared: sockets, log files, the pid file. */
#ifndef COH_PRIMARY_OPENING_H
#define COH_PRIMARY_OPENING_H

#include "server/accept/listener.h"

struct coh_generation;
struct coh_primary;
struct coh_template;

/*
 * Send the template its files, and open everything for generation->target
 * workers. What other generations have stays as it is. Of the first generation
 * the error log becomes the primary's before anything else can go wrong.
 *
 * Returns  0; -errno with why, which says what to do: the generation is to be
 *          dropped.
 */
int coh_opening_open(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX]);

/* Open the log files for a template of the generation. 0; -errno with why. */
int coh_opening_send_files(
    struct coh_template *template, char why[COH_LISTENER_WHY_MAX]);

/* Its error log is the primary's from now on. */
void coh_opening_adopt_log(struct coh_generation *generation);

/* The first generation is about to serve: whoever waits for the pid file can
   connect. 0; -errno with why. */
int coh_opening_write_pid(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX]);

/* The generation serves from now on: its options, acceptors and pid file. */
void coh_opening_commit(struct coh_generation *generation);

#endif
