/* The ways a process ends itself: a broken promise of our own, or no memory. */
#include "core/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Straight to the descriptor: what could be buffered may be what is broken. */
static void
tell(const char *line, int size)
{
    ssize_t written;

    written = write(STDERR_FILENO, line, (size_t)size);
    (void)written; /* nobody is left to hear of it */
}

void
coh_check_failed(const char *condition, const char *file, int line)
{
    char text[256];
    int size;

    size = snprintf(
        text, sizeof(text), "cohort: process %d: check failed: %s at %s:%d\n",
        (int)getpid(), condition, file, line);
    if (size >= (int)sizeof(text)) {
        size = (int)sizeof(text) - 1;
    }
    tell(text, size);
    abort();
}

void
coh_die_memory(unsigned long size)
{
    char text[128];
    int length;

    length = snprintf(
        text, sizeof(text),
        "cohort: process %d: out of memory (%lu bytes asked for)\n",
        (int)getpid(), size);
    tell(text, length);
    _exit(EXIT_FAILURE);
}
