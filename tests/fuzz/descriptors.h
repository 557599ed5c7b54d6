/* Whether anything has stayed open. */
#ifndef COH_TESTS_FUZZ_DESCRIPTORS_H
#define COH_TESTS_FUZZ_DESCRIPTORS_H

/* Descriptors that are open now, and one. */
unsigned fuzz_count_fds(void);

#endif
