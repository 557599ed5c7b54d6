/* Landlock first, which takes system calls that the filter then refuses. */
#include "server/process/sandbox.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cohort/log.h>

#include "server/process/landlock.h"
#include "server/process/load.h"
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

/* What a worker opens beside what was named: to keep a descriptor in reserve. */
static const char always_readable[] = "/dev/null";

static void
allow_reading(int rules, const char *path, struct cohort_log *log)
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

static int
confine(const struct cohort_load *load, struct cohort_log *log)
{
    bool may_read = load->settings->sandbox != COH_SANDBOX_ON;
    const struct coh_load_path *path;
    int rules = coh_landlock_new(may_read);
    int result;

    if (rules < 0) {
        return rules;
    }
    if (!may_read) {
        allow_reading(rules, always_readable, log);
        for (path = load->paths; path; path = path->next) {
            allow_reading(rules, path->text, log);
        }
    }
    result = coh_landlock_obey(rules);
    close(rules);
    return result;
}

/* A kernel without Landlock was told of when the configuration was read. */
static int
enter(const struct cohort_load *load, struct cohort_log *log, const char **what)
{
    int mode = load->settings->sandbox;
    int result = 0;

    *what = "confine itself to its files";
    if (coh_landlock_version() > 0) {
        result = confine(load, log);
    }
    if (result == 0 && mode > COH_SANDBOX_BASIC) {
        *what = "filter its system calls";
        result = coh_sandbox_filter(mode == COH_SANDBOX_ON);
    }
    return result;
}

int
coh_sandbox_enter(const struct cohort_load *load, struct cohort_log *log)
{
    int mode = load->settings->sandbox;
    const char *what = "";
    int result = mode == COH_SANDBOX_OFF ? 0 : enter(load, log, &what);

    if (result < 0 && mode == COH_SANDBOX_ON) {
        cohort_emerg(
            log,
            "a worker cannot %s: %s; set worker_sandbox to basic or off to "
            "serve without",
            what, strerror(-result));
        return result;
    }
    if (result < 0) {
        cohort_notice(
            log, "this worker does not %s: %s", what, strerror(-result));
    }
    return 0;
}
