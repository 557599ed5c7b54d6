/* worker_group: what a configuration says of workers that run a program. */
#ifndef COH_PROCESS_GROUP_H
#define COH_PROCESS_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/cluster.h>
#include <cohort/cohort.h>

#include "core/addr.h"
#include "server/process/settings.h"
#include "server/process/upkeep.h"

#define COH_WORKER_GROUPS_MAX 32 /* of a configuration */
#define COH_GROUP_NAME_MAX 31    /* bytes, without NUL */
#define COH_GROUP_LISTENS_MAX 16
#define COH_GROUP_PROCESSES_MAX 1024

/* The built-in HTTP service's. */
#define COH_GROUP_MAIN "main"

/* Who follows a worker that has gone. */
enum coh_group_respawn {
    COH_GROUP_RESPAWN_ON, /* unless it was told to leave */
    COH_GROUP_RESPAWN_OFF,
    COH_GROUP_RESPAWN_ALWAYS, /* also then */
};

struct coh_group_words {
    struct cohort_str *items; /* NUL-terminated */
    size_t count;
};

struct coh_group_stdio {
    enum cohort_stdio_kind kind;
    int fd;
    struct cohort_str path;
};

/* An address of its own, for programs that are given their sockets. */
struct coh_group_listen {
    struct coh_addr address;
    struct cohort_listen_options options;
    struct cohort_str name; /* in LISTEN_FDNAMES */
};

/* As the block has it; texts are NUL-terminated, "" for none. */
struct coh_group_settings {
    uint32_t processes; /* resolved: at least 1 */
    struct coh_group_words exec;
    struct coh_group_words exec_args;
    struct coh_group_words args;
    struct cohort_str cwd;
    struct coh_group_words environment;
    struct coh_identity identity; /* not set: the main context's */
    int protocol;                 /* enum cohort_protocol */
    int serialization;            /* enum cohort_serialization */
    bool is_silent;
    struct {
        struct coh_group_stdio *items;
        size_t count;
    } stdio;
    uint32_t inspect_port; /* 0: none */
    int respawn;           /* enum coh_group_respawn */
    int policy;            /* enum cohort_policy; DEFAULT: not configured */
    struct {
        struct coh_group_listen *items;
        size_t count;
    } listens;
};

struct coh_declared_group {
    struct cohort_str name; /* NUL-terminated */
    const struct coh_group_settings *settings;
    const struct coh_upkeep *upkeep;
};

/* All of a load, in the order of the file. */
struct coh_declared_groups {
    struct coh_declared_group list[COH_WORKER_GROUPS_MAX];
    size_t count;
};

extern struct cohort_module coh_group_module;

/* --- parts of the table --------------------------------------------------- */

struct cohort_conf;

/* The set() of stdio and listen (group_stdio.c, group_listen.c). */
int coh_group_set_stdio(struct cohort_conf *conf, void *settings);
int coh_group_set_listen(struct cohort_conf *conf, void *settings);

/* What must fit together, when a block ends (group_check.c). 0, or -errno after
   cohort_conf_error. */
int coh_group_check(
    struct cohort_conf *conf, const struct coh_group_settings *settings);

#endif
