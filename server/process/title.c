/* The process title: the kernel is told that the command line stands in a
   buffer of ours, so nobody's argv is overwritten. */
#include "server/process/title.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TITLE_MAX 128

/* A page of its own: the kernel shows command lines from anonymous memory
   only. */
static char *title;

static bool
make_room(void)
{
    void *page;

    if (!title) {
        page = mmap(
            NULL, TITLE_MAX, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        title = page == MAP_FAILED ? NULL : page;
    }
    return title != NULL;
}

/* Field number (from 3 on) of /proc/self/stat, whose second field may hold
   anything in parentheses. */
static uint64_t
stat_field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');

    for (int field = 2; at && field < number; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* PR_SET_MM_MAP wants all areas at once: those of now, with ours as the
   command line. */
static void
fill_map(struct prctl_mm_map *map, const char *stat)
{
    *map = (struct prctl_mm_map){
        .start_code = stat_field(stat, 26),
        .end_code = stat_field(stat, 27),
        .start_stack = stat_field(stat, 28),
        .start_data = stat_field(stat, 45),
        .end_data = stat_field(stat, 46),
        .start_brk = stat_field(stat, 47),
        .brk = (uintptr_t)sbrk(0),
        .arg_start = (uintptr_t)title,
        .arg_end = (uintptr_t)title + strlen(title) + 1,
        .env_start = stat_field(stat, 50),
        .env_end = stat_field(stat, 51),
        .exe_fd = (uint32_t)-1,
    };
}

void
coh_title_set(const char *format, ...)
{
    struct prctl_mm_map map;
    char stat[2048];
    ssize_t size;
    va_list arguments;
    int fd;

    if (!make_room()) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(title, TITLE_MAX, format, arguments);
    va_end(arguments);
    fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    size = read(fd, stat, sizeof(stat) - 1);
    close(fd);
    if (size > 0) {
        stat[size] = '\0';
        fill_map(&map, stat);
        prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
    }
}
