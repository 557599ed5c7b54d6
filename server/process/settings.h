/* The settings of the processes: the main context's directives and events{}. */
#ifndef COH_PROCESS_SETTINGS_H
#define COH_PROCESS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include "core/log.h"

#define COH_GROUPS_MAX 64 /* supplementary groups of a user */

/* Who workers become. */
struct coh_identity {
    bool is_set; /* false: whoever we are */
    uid_t user;
    gid_t group;
    gid_t groups[COH_GROUPS_MAX];
    size_t group_count;
};

/* "NAME" (kept) or "NAME=VALUE" of the env directive. */
struct coh_variable {
    struct cohort_str text;
    struct coh_variable *next;
};

struct coh_settings {
    uint32_t worker_processes; /* resolved: at least 1 */
    uint32_t worker_processes_max;
    bool is_daemon;
    bool has_primary; /* master_process */
    struct cohort_str pid_path;
    struct coh_identity identity;
    uint64_t descriptor_limit; /* worker_rlimit_nofile; 0: as it is */
    uint32_t worker_connections;
    int policy; /* enum cohort_policy; DEFAULT: not configured */
    uint64_t shutdown_timeout_ms; /* 0: none */
    uint64_t reload_timeout_ms;
    int sandbox; /* enum coh_sandbox */
    struct coh_variable *environment;
    struct cohort_log log; /* of this context, down to locations */
};

extern struct cohort_module coh_settings_module;

/* --- parts of the table --------------------------------------------------- */

struct cohort_conf;

/* The set() of user (settings_user.c), of error_log (settings_log.c) and of
   worker_sandbox (settings_sandbox.c). */
int coh_settings_set_user(struct cohort_conf *conf, void *settings);
int coh_settings_set_log(struct cohort_conf *conf, void *settings);
int coh_settings_set_sandbox(struct cohort_conf *conf, void *settings);

/* "user [group]" of any directive, for who is not root a warning. 0, or -errno
   after cohort_conf_error. */
int coh_settings_read_user(
    struct cohort_conf *conf, struct coh_identity *identity);

/* In finish of the main context. Started by root without "user": who was
   compiled in. Without error_log: what -e said, else standard error for a
   configuration that is no file, else what was compiled in. Without
   worker_sandbox: basic, but off for programs. 0, or -errno after
   cohort_conf_error. */
int coh_settings_choose_user(
    struct cohort_conf *conf, struct coh_settings *made);
int coh_settings_choose_log(
    struct cohort_conf *conf, struct coh_settings *made);
void coh_settings_choose_sandbox(
    struct cohort_conf *conf, struct coh_settings *made);

/* --- using them ----------------------------------------------------------- */

/* The main context's, after coh_conf_load. */
const struct coh_settings *coh_settings_of(void *const *settings);

#endif
