/* cohort top: on a terminal until q is pressed, elsewhere one table. */
#include "server/admin/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/admin/call.h"
#include "server/admin/top_screen.h"
#include "server/admin/top_table.h"

#define INTERVAL_MS 1000
#define ONCE_INTERVAL_MS 500

static void
sleep_ms(unsigned ms)
{
    struct timespec left = {
        .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

static void
print(const struct coh_top_table *table)
{
    char line[COH_TOP_LINE_MAX];

    printf("%s\n\n", table->title);
    coh_top_format_head(line);
    printf("%s\n", line);
    for (size_t i = 0; i < table->count; i++) {
        coh_top_format_row(&table->rows[i], line);
        printf("%s\n", line);
    }
    coh_top_format_sum(table, line);
    printf("%s\n", line);
}

static int
print_once(const char *path)
{
    struct coh_top_table before = {0};
    struct coh_top_table table = {0};
    int result = coh_top_take(path, &before);

    if (result == 0) {
        sleep_ms(ONCE_INTERVAL_MS);
        result = coh_top_take(path, &table);
    }
    if (result == 0) {
        coh_top_compare(&table, &before);
        print(&table);
    }
    coh_top_table_fini(&before);
    coh_top_table_fini(&table);
    return result;
}

int
coh_top_run(const char *path, bool is_once)
{
    const char *terminal = getenv("TERM");
    bool has_screen = coh_top_has_screen() && isatty(STDOUT_FILENO) &&
        isatty(STDIN_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    int result = is_once || !has_screen ? print_once(path)
                                        : coh_top_show(path, INTERVAL_MS);

    return result < 0 ? coh_call_say_unreachable(path, result) : 0;
}

void
coh_top_help(void)
{
    printf("Usage: cohort top [--once] [--socket PATH] [-c file] [-p prefix] "
           "[-g directives]\n\n"
           "Shows all workers, renewed every second, until q is pressed.\n"
           "--once prints one table and ends.\n");
}
