/* The records of a state: what each looks like in memory and in the file. */
#ifndef COH_PRIMARY_UPGRADE_RECORDS_H
#define COH_PRIMARY_UPGRADE_RECORDS_H

#include "server/accept/listener.h"
#include "server/primary/counters.h"
#include "server/primary/upgrade/upgrade_state.h"

/* A listening address; its sockets come as descriptors, in the order of the
   records. */
struct coh_state_listener {
    struct coh_addr address;
    struct cohort_listen_options options;
    bool is_activated; /* the socket is systemd's, too */
    unsigned socket_count;
    unsigned live_count;
    uint64_t file_device; /* of a unix socket's file */
    uint64_t file_number;
};

/* A counter, and what was counted in all. */
struct coh_state_counter {
    struct coh_counter counter;
    uint64_t value;
};

/* A secret; its memory comes as a descriptor, behind those of the listeners, in
   the order of the records: what it is stands nowhere else. */
struct coh_state_secret {
    struct cohort_str name;
    uint32_t size;
    uint64_t rotate_s;
    uint64_t left_s; /* until it is rotated */
};

/* How many workers a group has been scaled to. */
struct coh_state_target {
    struct cohort_str name;
    uint32_t configured;
    uint32_t target;
};

void coh_state_add_listener(
    struct coh_state *state, const struct coh_state_listener *listener);
void coh_state_add_counter(
    struct coh_state *state, const struct coh_state_counter *counter);
void coh_state_add_secret(
    struct coh_state *state, const struct coh_state_secret *secret);
void coh_state_add_target(
    struct coh_state *state, const struct coh_state_target *target);

/* 0, or -EPROTO for a record that cannot be. Texts point into the record. */
int coh_state_read_listener(
    const struct coh_state_record *record, struct coh_state_listener *listener);
int coh_state_read_counter(
    const struct coh_state_record *record, struct coh_state_counter *counter);
int coh_state_read_secret(
    const struct coh_state_record *record, struct coh_state_secret *secret);
int coh_state_read_target(
    const struct coh_state_record *record, struct coh_state_target *target);

#endif
