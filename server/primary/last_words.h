/* What a worker says on standard error before it is ready, so that it can be
   quoted should that be the end of it. The worker's half stands in
   server/process/last_words.h. */
#ifndef COH_PRIMARY_LAST_WORDS_H
#define COH_PRIMARY_LAST_WORDS_H

#include <event2/event_struct.h>
#include <stddef.h>

#define COH_LAST_WORDS_MAX 512 /* bytes, NUL included */

struct coh_loop;

struct coh_last_words {
    int fd; /* -1: not heard any more */
    struct event event;
    char text[COH_LAST_WORDS_MAX]; /* the end of it */
    size_t size;
};

void coh_last_words_init(struct coh_last_words *words);

/* Listen, and pass on all that comes to our own standard error. speaker: the
   worker's end. 0 or -errno. */
int coh_last_words_open(
    struct coh_last_words *words, struct coh_loop *loop, int *speaker);

/* Hear what is left, then no more. The end of all, printable and in one line;
   "" for nothing; lives as long as words. Fine twice. */
const char *coh_last_words_close(struct coh_last_words *words);

#endif
