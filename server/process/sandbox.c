/* Landlock first, which takes system calls that the filter then refuses. */
#include "server/process/sandbox.h"

#include <errno.h>
#include <string.h>

#include <cohort/log.h>

#include "server/process/landlock.h"
#include "server/process/load.h"
#include "server/process/placement.h"
#include "server/process/sandbox_calls.h"

const struct cohort_conf_choice coh_sandbox_choices[] = {
    [COH_SANDBOX_OFF] = {"off", COH_SANDBOX_OFF},
    [COH_SANDBOX_BASIC] = {"basic", COH_SANDBOX_BASIC},
    [COH_SANDBOX_LOG] = {"log", COH_SANDBOX_LOG},
    [COH_SANDBOX_ON] = {"on", COH_SANDBOX_ON},
    {NULL, 0},
};

bool
coh_sandbox_is_built(enum coh_sandbox mode, const char **why)
{
    *why = "";
#ifdef COH_INSTRUMENTED
    if (mode > COH_SANDBOX_OFF) {
        *why = "it was built for tests, with code that writes files and starts "
               "programs";
    }
#endif
    if (mode > COH_SANDBOX_BASIC && !coh_sandbox_library()) {
        *why = "install libseccomp-dev and build again";
    }
    return **why == '\0';
}

/* What a worker opens beside what was named: to keep a descriptor in
   reserve. */
static const char always_readable[] = "/dev/null";

static void
allow_reading(
    struct coh_landlock *rules, const char *path, struct cohort_log *log)
{
    int result = coh_landlock_allow_reading(rules, path);

    if (result < 0) {
        cohort_info(
            log,
            "%s stays out of the reach of this worker: %s; if it comes to be, "
            "reload",
            path, strerror(-result));
    }
}

/* The kernel writes a core file as the worker would. */
static void
allow_core(
    struct coh_landlock *rules, const struct coh_placement *placement,
    struct cohort_log *log)
{
    int result = placement->core.is_set && placement->core.size > 0
        ? coh_landlock_allow_writing(rules, ".")
        : 0;

    if (result < 0) {
        cohort_notice(
            log, "this worker cannot leave a core file: %s", strerror(-result));
    }
}

/* Who asked for more than basic was told when the configuration was read that
   the kernel has no Landlock. */
static int
confine(const struct cohort_load *load, bool may_read, struct cohort_log *log)
{
    const struct coh_load_path *path;
    struct coh_landlock rules;
    int result;

    if (coh_landlock_version() == 0) {
        return 0;
    }
    result = coh_landlock_init(&rules, may_read);
    if (result < 0) {
        return result;
    }
    if (!may_read) {
        allow_reading(&rules, always_readable, log);
        for (path = load->paths; path; path = path->next) {
            allow_reading(&rules, path->text, log);
        }
    }
    allow_core(&rules, coh_placement_of(load->conf.settings), log);
    result = coh_landlock_obey(&rules);
    coh_landlock_fini(&rules);
    return result;
}

static int
enter_strictly(const struct cohort_load *load, struct cohort_log *log)
{
    const char *what = "confine itself to its files";
    int result = confine(load, false, log);

    if (result == 0) {
        what = "filter its system calls";
        result = coh_sandbox_filter(true);
    }
    if (result < 0) {
        cohort_emerg(
            log,
            "a worker cannot %s: %s; set worker_sandbox to basic or off to "
            "serve without",
            what, strerror(-result));
    }
    return result;
}

void
coh_sandbox_enter_basic(const struct cohort_load *load, struct cohort_log *log)
{
    const char *why;
    int result = coh_sandbox_is_built(COH_SANDBOX_BASIC, &why)
        ? confine(load, true, log)
        : 0;

    if (result < 0) {
        cohort_notice(
            log, "this process keeps its right to write files: %s",
            strerror(-result));
    }
}

static void
log_calls(struct cohort_log *log)
{
    int result = coh_sandbox_filter(false);

    if (result < 0) {
        cohort_notice(
            log, "the system calls of this worker are not logged: %s",
            strerror(-result));
    }
}

int
coh_sandbox_enter(const struct cohort_load *load, struct cohort_log *log)
{
    int mode = load->settings->sandbox;

    if (mode == COH_SANDBOX_ON) {
        return enter_strictly(load, log);
    }
    if (mode != COH_SANDBOX_OFF) {
        coh_sandbox_enter_basic(load, log);
    }
    if (mode == COH_SANDBOX_LOG) {
        log_calls(log);
    }
    return 0;
}
