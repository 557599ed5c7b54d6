/* Counters that workers and the primary both have, told apart by a label: what
   stands at the head of such a family. */
#ifndef COH_PROCESS_COUNTED_NAMES_H
#define COH_PROCESS_COUNTED_NAMES_H

#define COH_COUNTED_OF(process) "process=\"" process "\""

#define COH_ACCEPT_ERRORS_NAME "cohort_accept_errors_total"
#define COH_ACCEPT_ERRORS_HELP                                                 \
    "How often a connection had to wait for want of descriptors or memory."

#define COH_ACCEPT_PAUSES_NAME "cohort_accept_pauses_total"
#define COH_ACCEPT_PAUSES_HELP                                                 \
    "How often accepting stopped: all were full, or something was short."

#define COH_ACCEPT_PAUSED_NAME "cohort_accept_paused"
#define COH_ACCEPT_PAUSED_HELP                                                 \
    "How many do not accept now: workers with sockets of their own, and "      \
    "groups or generations that the primary accepts for."

#define COH_LOG_LINES_NAME "cohort_error_log_lines_dropped_total"
#define COH_LOG_LINES_HELP "Lines that an error log did not take."

#endif
