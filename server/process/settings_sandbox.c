/* worker_sandbox: what the kernel refuses to workers. */
#include <cohort/conf.h>

#include "server/process/landlock.h"
#include "server/process/load.h"
#include "server/process/sandbox.h"
#include "server/process/settings.h"

static int
check(struct cohort_conf *conf, enum coh_sandbox mode)
{
    const char *why;

    if (!coh_sandbox_is_built(mode, &why)) {
        return cohort_conf_error_at(
            conf, 0, "this build has no \"worker_sandbox %s\": %s",
            coh_sandbox_choices[mode].name, why);
    }
    if (mode == COH_SANDBOX_ON && coh_landlock_version() == 0) {
        cohort_conf_warn(
            conf,
            "this kernel has no Landlock, or allows none here: workers may "
            "open any file of their user");
    }
    return 0;
}

int
coh_settings_set_sandbox(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;
    struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    size_t count = cohort_conf_arg_count(conf);
    int result = cohort_conf_set_choice(conf, settings);

    if (result < 0) {
        return result;
    }
    if (count > 1 && made->sandbox != COH_SANDBOX_ON) {
        return cohort_conf_error_at(
            conf, 1, "paths stand behind \"on\" alone: else any may be read");
    }
    for (size_t i = 1; i < count; i++) {
        cohort_load_path(
            load, cohort_conf_prefix_path(conf, cohort_conf_arg(conf, i)));
    }
    return check(conf, made->sandbox);
}

/* Our own service writes no file; what a program's handlers do is not known. */
void
coh_settings_choose_sandbox(struct cohort_conf *conf, struct coh_settings *made)
{
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    const struct coh_options *options = load->options;
    bool is_program = !options->file && !options->text_pid_path;
    const char *why;

    if (cohort_conf_is_set(conf, "worker_sandbox")) {
        return;
    }
    made->sandbox = is_program || !coh_sandbox_is_built(COH_SANDBOX_BASIC, &why)
        ? COH_SANDBOX_OFF
        : COH_SANDBOX_BASIC;
}
