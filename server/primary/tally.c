/* Events are counted where they are told; the rest is fetched when asked
   for. */
#include "server/primary/tally.h"

#include <stddef.h>
#include <string.h>

#include "core/log.h"
#include "server/accept/policy.h"
#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"
#include "server/process/counted_names.h"

#define OF_PRIMARY COH_COUNTED_OF("primary")

/* Rows of one name stand together, as their labels do in an enum. */
enum row {
    ACCEPT_ERRORS,
    ACCEPT_PAUSES,
    ACCEPT_PAUSED,
    LOG_LINES,
    DROPPED,
    STARTS,
    STUCK,
    CRASH_LOOPS,
    TEMPLATES_LOST,
    RELOADS_DONE,
    RELOADS_FAILED,
    RECYCLES_RSS,
    RECYCLES_REQUESTS,
    RECYCLES_AGE,
    EXITS, /* by enum cohort_reason */
    ROW_COUNT = EXITS + COHORT_REASON_SCALE + 1,
};

#define RECYCLES(limit)                                                        \
    {                                                                          \
        .name = "cohort_worker_recycles_total",                                \
        .help = "Workers replaced for having reached a limit of their group.", \
        .labels = "limit=\"" limit "\"",                                       \
    }
#define RELOADS(verdict)                                                       \
    {                                                                          \
        .name = "cohort_reloads_total", .help = "Reloads by how they ended.",  \
        .labels = "verdict=\"" verdict "\"",                                   \
    }
#define EXITED(reason)                                                         \
    {                                                                          \
        .name = "cohort_worker_exits_total",                                   \
        .help = "Workers that have ended, by why.",                            \
        .labels = "reason=\"" reason "\"",                                     \
    }

static const struct cohort_counter rows[ROW_COUNT] = {
    [ACCEPT_ERRORS] =
        {.name = COH_ACCEPT_ERRORS_NAME,
         .help = COH_ACCEPT_ERRORS_HELP,
         .labels = OF_PRIMARY},
    [ACCEPT_PAUSES] =
        {.name = COH_ACCEPT_PAUSES_NAME,
         .help = COH_ACCEPT_PAUSES_HELP,
         .labels = OF_PRIMARY},
    [ACCEPT_PAUSED] =
        {.name = COH_ACCEPT_PAUSED_NAME,
         .help = COH_ACCEPT_PAUSED_HELP,
         .kind = COHORT_GAUGE,
         .labels = OF_PRIMARY},
    [LOG_LINES] =
        {.name = COH_LOG_LINES_NAME,
         .help = COH_LOG_LINES_HELP,
         .labels = OF_PRIMARY},
    [DROPPED] =
        {.name = "cohort_connections_dropped_total",
         .help = "Connections closed because nobody was left to take them."},
    [STARTS] =
        {.name = "cohort_worker_starts_total",
         .help = "Workers that were started."},
    [STUCK] =
        {.name = "cohort_worker_stuck_total",
         .help = "Workers that hung, or did not leave in time."},
    [CRASH_LOOPS] =
        {.name = "cohort_worker_crash_loops_total",
         .help = "How often a successor had to wait, since workers died too "
                 "soon or too often."},
    [TEMPLATES_LOST] =
        {.name = "cohort_templates_lost_total",
         .help = "Templates that died and were started again."},
    [RELOADS_DONE] = RELOADS("done"),
    [RELOADS_FAILED] = RELOADS("failed"),
    [RECYCLES_RSS] = RECYCLES("max_rss"),
    [RECYCLES_REQUESTS] = RECYCLES("max_requests"),
    [RECYCLES_AGE] = RECYCLES("max_age"),
    [EXITS + COHORT_REASON_SELF] = EXITED("self"),
    [EXITS + COHORT_REASON_DISCONNECT] = EXITED("disconnect"),
    [EXITS + COHORT_REASON_KILL] = EXITED("kill"),
    [EXITS + COHORT_REASON_CRASH] = EXITED("crash"),
    [EXITS + COHORT_REASON_STUCK] = EXITED("stuck"),
    [EXITS + COHORT_REASON_RECYCLED] = EXITED("recycled"),
    [EXITS + COHORT_REASON_RELOAD] = EXITED("reload"),
    [EXITS + COHORT_REASON_SCALE] = EXITED("scale"),
};

/* NULL: there is no memory for it. */
static struct coh_total *
total_of(struct coh_primary *primary, enum row row)
{
    const struct coh_counter counter = {
        .name = cohort_str(rows[row].name),
        .help = cohort_str(rows[row].help),
        .labels = cohort_str(rows[row].labels),
        .kind = rows[row].kind,
    };
    int index = coh_totals_find(&primary->totals, &counter);

    return index < 0 ? NULL : &primary->totals.array[index];
}

static void
add(struct coh_primary *primary, enum row row, uint64_t count)
{
    struct coh_total *total = total_of(primary, row);

    if (total) {
        total->retired += count;
    }
}

/* --- events --------------------------------------------------------------- */

static enum row
row_of_limit(const char *limit)
{
    if (strcmp(limit, "max_rss") == 0) {
        return RECYCLES_RSS;
    }
    return strcmp(limit, "max_age") == 0 ? RECYCLES_AGE : RECYCLES_REQUESTS;
}

static void
on_event(void *user, const struct coh_event *event)
{
    struct coh_primary *primary = user;

    switch (event->kind) {
    case COH_EVENT_FORK:
        add(primary, STARTS, 1);
        break;
    case COH_EVENT_EXIT:
        add(primary, EXITS + event->reason, 1);
        break;
    case COH_EVENT_STUCK:
        add(primary, STUCK, 1);
        break;
    case COH_EVENT_CRASH_LOOP:
        add(primary, CRASH_LOOPS, 1);
        break;
    case COH_EVENT_RECYCLE:
        add(primary, row_of_limit(event->limit), 1);
        break;
    case COH_EVENT_ACCEPT_PAUSED:
        add(primary, ACCEPT_PAUSES, 1);
        break;
    case COH_EVENT_DROP:
        add(primary, DROPPED, event->count);
        break;
    case COH_EVENT_RELOAD_DONE:
        add(primary, RELOADS_DONE, event->is_start ? 0 : 1);
        break;
    case COH_EVENT_RELOAD_FAILED:
        add(primary, RELOADS_FAILED, 1);
        break;
    case COH_EVENT_TEMPLATE_LOST:
        add(primary, TEMPLATES_LOST, 1);
        break;
    default:
        break;
    }
}

/* --- the rest ------------------------------------------------------------- */

/* A generation that goes while it is paused tells no end of that: so they are
   looked at. */
static uint64_t
count_paused(const struct coh_primary *primary)
{
    const struct coh_generation *generation;
    const struct coh_group *group;
    const struct coh_site *site;
    uint64_t count = 0;

    TAILQ_FOREACH (generation, &primary->generations, link) {
        count += generation->rotation.pausing.is_told;
    }
    TAILQ_FOREACH (group, &primary->groups, link) {
        TAILQ_FOREACH (site, &group->cluster.sites, link) {
            count += site->rotation.pausing.is_told;
        }
    }
    return count;
}

void
coh_tally_settle(struct coh_primary *primary)
{
    struct coh_tally *tally = &primary->tally;
    uint64_t errors = coh_primary_accept_errors();
    uint64_t lines = coh_log_dropped();
    struct coh_total *paused;

    add(primary, ACCEPT_ERRORS, errors - tally->accept_errors);
    add(primary, LOG_LINES, lines - tally->log_lines);
    tally->accept_errors = errors;
    tally->log_lines = lines;
    paused = total_of(primary, ACCEPT_PAUSED); /* others may move the array */
    if (paused) {
        paused->retired = count_paused(primary);
    }
}

void
coh_tally_init(struct coh_primary *primary)
{
    struct coh_tally *tally = &primary->tally;

    for (int row = 0; row < ROW_COUNT; row++) {
        add(primary, (enum row)row, 0);
    }
    tally->accept_errors = coh_primary_accept_errors();
    tally->log_lines = coh_log_dropped();
    tally->reader =
        (struct coh_event_reader){.on_event = on_event, .user = primary};
    STAILQ_INSERT_TAIL(&primary->readers, &tally->reader, link);
}
