/* Tables drawn by ncurses; without it there is only plain text. */
#include "server/admin/top_screen.h"

#include <errno.h>

#include "config.h"

#ifdef COH_HAS_NCURSES

#include <ncurses.h>
#include <stdlib.h>

#include "server/admin/top_table.h"

/* Those that do most stand on top. */
static int
by_rate(const void *a, const void *b)
{
    const struct coh_top_row *one = a;
    const struct coh_top_row *other = b;

    if (one->request_rate < other->request_rate) {
        return 1;
    }
    if (one->request_rate > other->request_rate) {
        return -1;
    }
    return one->id < other->id ? -1 : one->id > other->id;
}

static void
draw_line(int y, const char *line, attr_t attribute)
{
    if (y < LINES) {
        attron(attribute);
        mvaddnstr(y, 0, line, COLS);
        clrtoeol();
        attroff(attribute);
    }
}

static void
draw(struct coh_top_table *table)
{
    char line[COH_TOP_LINE_MAX];
    int y = 0;

    qsort(table->rows, table->count, sizeof(table->rows[0]), by_rate);
    erase();
    draw_line(y, table->title, A_BOLD);
    y += 2;
    coh_top_format_head(line);
    draw_line(y++, line, A_REVERSE);
    for (size_t i = 0; i < table->count; i++) {
        coh_top_format_row(&table->rows[i], line);
        draw_line(y++, line, A_NORMAL);
    }
    coh_top_format_sum(table, line);
    draw_line(y, line, A_BOLD);
    refresh();
}

static int
show_until_quit(const char *path, unsigned interval_ms)
{
    struct coh_top_table before = {0};
    int result = 0;
    int key = ERR;

    timeout((int)interval_ms);
    while (result == 0 && key != 'q' && key != 'Q') {
        struct coh_top_table table;

        result = coh_top_take(path, &table);
        coh_top_compare(&table, &before);
        if (result == 0) {
            draw(&table);
            key = getch();
        }
        coh_top_table_fini(&before);
        before = table;
    }
    coh_top_table_fini(&before);
    return result;
}

bool
coh_top_has_screen(void)
{
    return true;
}

int
coh_top_show(const char *path, unsigned interval_ms)
{
    int result;

    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    result = show_until_quit(path, interval_ms);
    endwin();
    return result;
}

#else

bool
coh_top_has_screen(void)
{
    return false;
}

int
coh_top_show(const char *path, unsigned interval_ms)
{
    (void)path;
    (void)interval_ms;
    return -ENOSYS;
}

#endif
