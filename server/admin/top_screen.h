/* The terminal of cohort top. */
#ifndef COH_ADMIN_TOP_SCREEN_H
#define COH_ADMIN_TOP_SCREEN_H

#include <stdbool.h>

/* Whether ncurses was there when this was built. */
bool coh_top_has_screen(void);

/* Show tables, a new one each interval, until somebody presses q. 0, or -errno
   when the server can no longer be asked. */
int coh_top_show(const char *path, unsigned interval_ms);

#endif
