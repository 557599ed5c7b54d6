/* Whether another process waits for something, by what /proc says. */
#ifndef COH_TESTS_CORE_ASLEEP_H
#define COH_TESTS_CORE_ASLEEP_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/core/test.h"

static inline bool
test_is_asleep(pid_t pid)
{
    char path[64];
    char state = '?';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
    return state == 'S';
}

#endif
