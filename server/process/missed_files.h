/* Log files that the primary has opened anew, and for which this process had no
   descriptor: it goes on with the old ones, and asks until it has them. */
#ifndef COH_PROCESS_MISSED_FILES_H
#define COH_PROCESS_MISSED_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event_struct.h>

struct coh_channel;
struct coh_intake;
struct coh_loop;

struct coh_missed_files {
    struct coh_channel *channel; /* to the primary */
    struct coh_intake *intake; /* its idle connections make room; NULL: none */
    struct coh_loop *loop;     /* NULL: none; coh_missed_files_wait_ms */
    struct event retry;        /* with a loop */
    uint64_t delay_ms;         /* before the next question; 0: none missed */
    uint64_t ask_ms;           /* monotonic, when it comes */
};

/* What is written to a log when some are missed. */
#define COH_MISSED_FILES_WARNING                                               \
    "no descriptors are free for the new log files: going on with the old "    \
    "ones until there are"

/* channel  May be initialised later, but before anything is missed. */
void coh_missed_files_init(
    struct coh_missed_files *missed, struct coh_channel *channel,
    struct coh_loop *loop, struct coh_intake *intake);
void coh_missed_files_fini(struct coh_missed_files *missed);

/* Files came without their descriptors: ask for them after a tenth of a second,
   then less and less often, down to each five seconds. True: they are the
   first, and a log should have COH_MISSED_FILES_WARNING. */
bool coh_missed_files_note(struct coh_missed_files *missed);

/* Files have come. True: some had been missed. */
bool coh_missed_files_come(struct coh_missed_files *missed);

/* Without a loop: how long to wait for a message at most (-1: for ever) before
   coh_missed_files_ask. */
int coh_missed_files_wait_ms(const struct coh_missed_files *missed);

/* Ask if it is time to. */
void coh_missed_files_ask(struct coh_missed_files *missed);

#endif
