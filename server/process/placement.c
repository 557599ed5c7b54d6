/* worker_cpu_affinity, worker_priority, worker_rlimit_core and
   working_directory. */
#include "server/process/placement.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cohort/conf.h>
#include <cohort/log.h>

#include "core/str.h"
#include "server/process/settings.h"

#define PRIORITY_MAX 20

/* --- CPUs ----------------------------------------------------------------- */

/* The n-th of a set, counted around. False: it is empty. */
static bool
take_nth(const cpu_set_t *set, unsigned n, cpu_set_t *cpus)
{
    int count = CPU_COUNT(set);

    if (count == 0) {
        return false;
    }
    n %= (unsigned)count;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, set) && n-- == 0) {
            CPU_ZERO(cpus);
            CPU_SET(cpu, cpus);
            return true;
        }
    }
    return false;
}

bool
coh_placement_cpus(
    const struct coh_placement *placement, unsigned place,
    const cpu_set_t *usable, cpu_set_t *cpus)
{
    size_t count = placement->masks.count;

    if (placement->is_auto) {
        cpu_set_t chosen = *usable;

        if (count > 0) {
            CPU_AND(&chosen, usable, &placement->masks.array[0]);
        }
        return take_nth(&chosen, place, cpus);
    }
    if (count == 0) {
        return false;
    }
    *cpus = placement->masks.array[place < count ? place : count - 1];
    return true;
}

static void
set_cpus(
    const struct coh_placement *placement, unsigned place,
    struct cohort_log *log)
{
    cpu_set_t usable;
    cpu_set_t cpus;

    if (!placement->is_auto && placement->masks.count == 0) {
        return;
    }
    if (sched_getaffinity(0, sizeof(usable), &usable) < 0) {
        CPU_ZERO(&usable);
    }
    if (!coh_placement_cpus(placement, place, &usable, &cpus)) {
        cohort_alert(
            log,
            "none of the CPUs in worker_cpu_affinity may be used here: the "
            "worker runs on all");
    } else if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0) {
        cohort_alert(
            log, "cannot bind to the CPUs in worker_cpu_affinity: %s",
            strerror(errno));
    }
}

/* --- the rest ------------------------------------------------------------- */

static void
set_core(const struct coh_placement *placement, struct cohort_log *log)
{
    const struct rlimit limit = {
        .rlim_cur = placement->core.size, .rlim_max = placement->core.size};

    if (placement->core.is_set && setrlimit(RLIMIT_CORE, &limit) < 0) {
        cohort_alert(log, "cannot set worker_rlimit_core: %s", strerror(errno));
    }
}

void
coh_placement_apply(
    const struct coh_placement *placement, unsigned place,
    struct cohort_log *log)
{
    set_cpus(placement, place, log);
    if (placement->priority.is_set &&
        setpriority(PRIO_PROCESS, 0, placement->priority.value) < 0) {
        cohort_alert(
            log,
            "cannot set worker_priority to %d: %s; below 0 needs root or "
            "CAP_SYS_NICE",
            placement->priority.value, strerror(errno));
    }
    set_core(placement, log);
}

/* Who asks for core files gets them: a process that has changed its user leaves
   none otherwise, and one that can be dumped can be traced by its user. */
void
coh_placement_settle(
    const struct coh_placement *placement, struct cohort_log *log)
{
    if (placement->core.is_set && placement->core.size > 0 &&
        prctl(PR_SET_DUMPABLE, 1) < 0) {
        cohort_alert(
            log, "cannot allow core files, as worker_rlimit_core asks: %s",
            strerror(errno));
    }
    if (placement->directory.size > 0 && chdir(placement->directory.data) < 0) {
        cohort_alert(
            log, "cannot enter the working_directory %s: %s",
            placement->directory.data, strerror(errno));
    }
}

/* --- directives ----------------------------------------------------------- */

/* "0101": the rightmost digit is CPU 0. */
static int
parse_mask(struct cohort_conf *conf, size_t index, cpu_set_t *mask)
{
    struct cohort_str text = cohort_conf_arg(conf, index);

    CPU_ZERO(mask);
    if (text.size > CPU_SETSIZE) {
        return cohort_conf_error_at(
            conf, index, "\"worker_cpu_affinity\" supports up to %d CPUs only",
            CPU_SETSIZE);
    }
    for (size_t i = 0; i < text.size; i++) {
        char digit = text.data[text.size - 1 - i];

        if (digit != '0' && digit != '1') {
            return cohort_conf_error_at(
                conf, index,
                "invalid character \"%c\" in \"worker_cpu_affinity\"\nit takes "
                "auto, or a mask of 0 and 1 for each worker: 0001 is the first "
                "CPU",
                digit);
        }
        if (digit == '1') {
            CPU_SET(i, mask);
        }
    }
    if (CPU_COUNT(mask) == 0) {
        return cohort_conf_error_at(
            conf, index, "there is no CPU in this mask");
    }
    return 0;
}

static int
set_affinity(struct cohort_conf *conf, void *settings)
{
    struct coh_placement *made = settings;
    size_t count = cohort_conf_arg_count(conf);
    int result = 0;

    made->is_auto = cohort_conf_arg_is(conf, 0, "auto");
    if (made->is_auto && count > 2) {
        return cohort_conf_error_at(
            conf, 2, "\"worker_cpu_affinity auto\" takes one mask at most");
    }
    for (size_t i = made->is_auto; i < count; i++) {
        cpu_set_t *mask = cohort_conf_append(
            conf, (void **)&made->masks.array, &made->masks.count,
            sizeof(*mask));

        if (parse_mask(conf, i, mask) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    return result;
}

static int
set_priority(struct cohort_conf *conf, void *settings)
{
    struct coh_placement *made = settings;
    struct cohort_str text = cohort_conf_arg(conf, 0);
    bool is_negative = text.size > 0 && text.data[0] == '-';
    uint64_t number;

    if (cohort_parse_number(
            coh_str_from(text, is_negative), PRIORITY_MAX, &number) < 0) {
        return cohort_conf_error_at(
            conf, 0, "\"worker_priority\" takes -%d (first) to %d (last)",
            PRIORITY_MAX, PRIORITY_MAX);
    }
    made->priority.value = is_negative ? -(int)number : (int)number;
    made->priority.is_set = true;
    return 0;
}

static int
set_core_limit(struct cohort_conf *conf, void *settings)
{
    struct coh_placement *made = settings;

    if (cohort_parse_size(cohort_conf_arg(conf, 0), true, &made->core.size) <
        0) {
        return cohort_conf_error_at(
            conf, 0, "\"worker_rlimit_core\" takes a size, as 500m or 0");
    }
    made->core.is_set = true;
    return 0;
}

/* As in nginx: what is not said for each worker is worth a word. */
static int
finish_settings(struct cohort_conf *conf, void *settings, const void *parent)
{
    const struct coh_placement *made = settings;
    const struct coh_settings *processes =
        cohort_conf_settings_of(conf, &coh_settings_module);

    if (!parent && !made->is_auto && made->masks.count > 0 &&
        made->masks.count != processes->worker_processes) {
        cohort_conf_warn(
            conf,
            "%zu mask%s in \"worker_cpu_affinity\" for %u worker%s: the last "
            "one is for all that have none",
            made->masks.count, made->masks.count == 1 ? "" : "s",
            processes->worker_processes,
            processes->worker_processes == 1 ? "" : "s");
    }
    return 0;
}

const struct coh_placement *
coh_placement_of(void *const *settings)
{
    return settings[coh_placement_module.index];
}

#define SETTING(member) COHORT_FIELD(struct coh_placement, member)

static const struct cohort_directive directives[] = {
    {
        .name = "worker_cpu_affinity",
        .usage = "mask ... | auto [mask]",
        .help = "The CPUs that each worker may run on, the rightmost digit of "
                "a mask for the first CPU; auto: one for each worker, of those "
                "in the mask.",
        .where = COHORT_IN_MAIN,
        .args = {1, COHORT_ARGS_ANY},
        .field = SETTING(masks),
        .set = set_affinity,
    },
    {
        .name = "worker_priority",
        .usage = "number",
        .help = "The nice value of workers, from -20 (first) to 20 (last).",
        .default_value = "0",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(priority),
        .set = set_priority,
    },
    {
        .name = "worker_rlimit_core",
        .usage = "size",
        .help = "How large the core file of a worker may be; above 0, a worker "
                "can be dumped, and traced by its user.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(core),
        .set = set_core_limit,
    },
    {
        .name = "working_directory",
        .usage = "directory",
        .help = "The current directory of workers, where core files go; all "
                "other paths start at the prefix nevertheless.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(directory),
        .set = cohort_conf_set_path,
    },
    {.name = NULL},
};

struct cohort_module coh_placement_module = {
    .api = COHORT_MODULE_API,
    .name = "placement",
    .directives = directives,
    .settings_size = sizeof(struct coh_placement),
    .settings_in = COHORT_IN_MAIN,
    .finish = finish_settings,
};
