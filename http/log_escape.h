/* How values are written into logs. */
#ifndef COH_HTTP_LOG_ESCAPE_H
#define COH_HTTP_LOG_ESCAPE_H

#include <cohort/str.h>

enum coh_log_escape {
    COH_LOG_ESCAPE_DEFAULT, /* ", \, controls and above 0x7e as \xXX; "-" for
                               an empty value */
    COH_LOG_ESCAPE_JSON,    /* as inside a JSON string */
    COH_LOG_ESCAPE_NONE,
};

/* A byte becomes at most so many. */
#define COH_LOG_ESCAPE_DEFAULT_MAX 4
#define COH_LOG_ESCAPE_JSON_MAX 6

/* Write value at out, which has room for it; where it ended. */
char *coh_log_escape_default(char *out, struct cohort_str value);
char *coh_log_escape_json(char *out, struct cohort_str value);

#endif
