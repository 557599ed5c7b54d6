/* cohort top: workers as they work, renewed every second. */
#ifndef COH_ADMIN_TOP_H
#define COH_ADMIN_TOP_H

#include <stdbool.h>

/*
 * path     Of the admin socket.
 * is_once  Print one table and end; also where there is no terminal, or no
 *          ncurses was built in.
 * Returns  The exit status.
 */
int coh_top_run(const char *path, bool is_once);

void coh_top_help(void);

#endif
