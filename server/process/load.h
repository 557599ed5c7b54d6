/* A generation being loaded: what its configuration and its service ask for,
   before anything of it is opened. The same in a template, in single-process
   mode and for -t. */
#ifndef COH_PROCESS_LOAD_H
#define COH_PROCESS_LOAD_H

#include <cohort/cohort.h>

#include "conf/apply.h"
#include "core/addr.h"
#include "core/log.h"
#include "server/command_line.h"
#include "server/process/group.h"
#include "server/process/secret.h"
#include "server/process/settings.h"
#include "server/process/slot.h"

/* More than any generation needs; they bound the primary's work. */
#define COH_LOAD_LISTENERS_MAX 512
#define COH_LOAD_FILES_MAX 253 /* go with one message */
#define COH_LOAD_SECRETS_MAX 16

struct cohort_listener {
    struct coh_addr address;
    struct cohort_listen_options options; /* policy and backlog resolved */
    void *user;
};

/* A log file; the descriptor is its target's, -1 until it is opened. */
struct cohort_file {
    const char *path; /* absolute, or "stderr", which is always open */
    bool is_optional; /* if it cannot be opened, standard error will do */
    struct coh_log_target target;
};

struct coh_load_secret {
    const char *name;
    size_t size; /* bytes */
    uint64_t rotate_s;
    const struct coh_secret_area *area; /* in a worker; NULL: none */
};

/* What workers read while they serve. */
struct coh_load_path {
    const char *text;
    struct coh_load_path *next;
};

struct cohort_load {
    const struct coh_options *options;
    const struct cohort_service *service;
    struct coh_arena *arena;
    struct coh_conf conf;
    const struct coh_settings *settings; /* NULL: not yet */
    void *state;                         /* the service's, if has_state */
    bool has_state;
    struct cohort_listener listeners[COH_LOAD_LISTENERS_MAX];
    size_t listener_count;
    struct cohort_file files[COH_LOAD_FILES_MAX];
    size_t file_count;
    struct coh_load_path *paths; /* each may be there more than once */
    struct cohort_counter counters[COH_SLOT_COUNTERS_MAX];
    size_t counter_count;
    size_t
        first_counted; /* where the engine's own begin, by enum coh_counted */
    struct coh_load_secret secrets[COH_LOAD_SECRETS_MAX];
    size_t secret_count;
    struct coh_declared_groups groups;
    unsigned error_count;
    /* One call per message, as coh_conf_options.tell. */
    void (*tell)(void *user, bool is_error, const char *text);
    void *user;
};

/*
 * Read the configuration, and let the service load unless settings_only (-s
 * needs no more).
 *
 * load->tell and load->user are set by the caller; everything else is made
 * here.
 *
 * Process  A template or a single process. Blocks on files and names.
 * Returns  0, or -EINVAL after errors were told. To be freed either way.
 */
int coh_load_run(
    struct cohort_load *load, const struct coh_options *options,
    const struct cohort_service *service, bool settings_only);

/* Give back the configuration, and the service's state unless its stop() did
   (has_state is false then). Closes no descriptor. */
void coh_load_free(struct cohort_load *load);

/* cohort_load_file with a path as it is; is_optional: it may fail to open. */
int coh_load_file(
    struct cohort_load *load, const char *path, bool is_optional,
    struct cohort_file **file);

/* Exchange the descriptors of log files: fds[i] becomes that of files[i] and is
   taken over (-1 is left in its place). */
void coh_load_reopen(
    struct cohort_load *load, const uint32_t *files, int *fds, size_t count);

/* One "cohort: [emerg] ..." on standard error, as everybody tells errors who
   has no log yet. tell of a load; user is ignored. */
void coh_load_tell_stderr(void *user, bool is_error, const char *text);

#endif
