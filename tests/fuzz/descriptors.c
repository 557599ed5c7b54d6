/* Whether anything has stayed open. */
#include "tests/fuzz/descriptors.h"

#include <dirent.h>
#include <stddef.h>

#include "core/check.h"

unsigned
fuzz_count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    COH_CHECK(folder != NULL);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}
