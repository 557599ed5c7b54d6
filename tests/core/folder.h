/* Folders that tests make, with all that is in them. */
#ifndef COH_TESTS_CORE_FOLDER_H
#define COH_TESTS_CORE_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int
test_folder_remove_one(
    const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* Links are removed, not followed. 0 or -1. */
static inline int
test_folder_remove(const char *path)
{
    return nftw(path, test_folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
