/* What a worker counts of its own life as the engine sees it: places among the
   counters of its slot, behind those of the service. */
#ifndef COH_SERVER_ACCEPT_COUNTED_H
#define COH_SERVER_ACCEPT_COUNTED_H

enum coh_counted {
    COH_COUNTED_ACCEPT_ERRORS, /* no descriptor, or no memory, for a client */
    COH_COUNTED_LIMIT,         /* worker_connections was reached */
    COH_COUNTED_RECLAIMED,     /* idle connections closed to make room */
    COH_COUNTED_PAUSES,        /* own sockets were left alone */
    COH_COUNTED_PAUSED,        /* a gauge: 1 while they are */
    COH_COUNTED_LOG_LINES,     /* that the error log did not take */
    COH_COUNTED_COUNT,
};

#endif
