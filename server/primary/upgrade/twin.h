/* What two primaries say to each other over the socket pair between them, after
   the handover. They may be of different versions: numbers and structures stay
   what they are, and grow at their ends only. */
#ifndef COH_PRIMARY_TWIN_H
#define COH_PRIMARY_TWIN_H

#include <stdint.h>

#include "server/channel/channel.h"

struct coh_upgrade;

enum coh_twin_frame_type {
    COH_TWIN_SAID = 256,    /* new to old, until it serves: an error */
    COH_TWIN_READY = 257,   /* new to old: it serves */
    COH_TWIN_STATE = 258,   /* both ways: 1 fd, what was counted so far */
    COH_TWIN_YOURS = 259,   /* old to new: the names are yours */
    COH_TWIN_LEAVING = 260, /* both ways: all is yours */
    COH_TWIN_TAKEN = 261,   /* the answer: names lead to me, you may go */
    COH_TWIN_RETURN = 262,  /* of one that has left: it comes back as a new
                               one, hand over to it */
};

/* The text follows. */
struct coh_twin_said {
    uint32_t is_configuration; /* an error there; 0: something else */
    uint32_t reserved;
};

/* One byte follows for each listener of the handover: is it used? */
struct coh_twin_ready {
    char version[32]; /* NUL-terminated */
    uint32_t count;
    uint32_t reserved;
};

/* The other end is to be another process, which has nothing to say before it
   serves. */
void coh_twin_begin_again(struct coh_upgrade *upgrade);

/* Go on with an end of the socket pair, which is taken over. 0 or -errno. */
int coh_twin_init(struct coh_upgrade *upgrade, int fd);

/* In the new one: an error, for whoever asked for the upgrade. */
void coh_twin_say(
    struct coh_upgrade *upgrade, bool is_configuration, const char *text);

/* In the new one: it serves; are_used has a byte for each listener. */
void coh_twin_say_ready(
    struct coh_upgrade *upgrade, const uint8_t *are_used, uint32_t count);

/* In the old one: the new one has all names from now on. */
void coh_twin_give_names(struct coh_upgrade *upgrade);

/* Everything is the other one's; and to one that said so: it may go. */
void coh_twin_say_leaving(struct coh_upgrade *upgrade);
void coh_twin_say_taken(struct coh_upgrade *upgrade);
void coh_twin_say_return(struct coh_upgrade *upgrade);

/* Tell what was counted so far. */
void coh_twin_tell_counters(struct coh_upgrade *upgrade);

#endif
