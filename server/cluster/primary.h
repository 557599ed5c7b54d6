/* What a program has for its cluster: struct cohort_primary. */
#ifndef COH_CLUSTER_PRIMARY_H
#define COH_CLUSTER_PRIMARY_H

#include "core/event.h"
#include "server/accept/listener.h"
#include "server/cluster/cluster.h"
#include "server/cluster/listeners.h"
#include "server/primary/watchdog.h"

struct cohort_primary {
    struct coh_cluster cluster;
    struct coh_loop loop;
    struct coh_listeners sockets;
    struct coh_watchdog watchdog;
    struct coh_cluster_reader reader;
    struct coh_listener_sets listeners;
    _Atomic uint64_t last_id;
    bool is_running;
};

#endif
