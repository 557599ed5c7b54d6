/* Options of a listening address, as another process has sent them. */
#ifndef COH_SERVER_ACCEPT_LISTEN_OPTIONS_H
#define COH_SERVER_ACCEPT_LISTEN_OPTIONS_H

#include <stdbool.h>
#include <string.h>

#include <cohort/cohort.h>

/* Has it the bytes of one? Reading any others as a bool is undefined. */
static inline bool
coh_bool_is_valid(const bool *value)
{
    unsigned char byte;

    memcpy(&byte, value, sizeof(byte));
    return byte <= 1;
}

/* Can they be, all of them? The kernel may still refuse a number. */
bool coh_listen_options_are_valid(const struct cohort_listen_options *options);

#endif
