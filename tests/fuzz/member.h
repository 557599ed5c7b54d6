/* A primary, and the test in the place of one of its workers' processes. */
#ifndef COH_TESTS_FUZZ_MEMBER_H
#define COH_TESTS_FUZZ_MEMBER_H

#include "server/cluster/codec.h"

/* Returns the worker's end of its channel. */
int fuzz_member_begin(const struct coh_codec *codec);

/* The primary reads what was written there, and does it. */
void fuzz_member_run(void);

/* The worker ends: the primary forgets it whole, and nothing stays open. */
void fuzz_member_end(int channel);

#endif
