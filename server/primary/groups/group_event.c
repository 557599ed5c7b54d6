/* Events of a group's cluster, told as events of the primary. */
#include <stdio.h>
#include <string.h>

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/reload.h"

void
coh_group_tell(struct coh_group *group, struct coh_event event)
{
    event.generation = group->generation;
    event.group = group->name;
    coh_event_tell(&group->primary->readers, &event);
}

struct coh_event
coh_group_event_of(enum coh_event_kind kind, const struct cohort_worker *member)
{
    return (struct coh_event){
        .kind = kind,
        .worker_id = member ? member->id : 0,
        .pid = member && member->pid > 0 ? member->pid : 0,
    };
}

static struct coh_event
about(enum coh_event_kind kind, const struct coh_cluster_event *event)
{
    return coh_group_event_of(kind, event->member);
}

static void
on_fork(struct coh_group *group, const struct coh_cluster_event *event)
{
    coh_group_tell(group, about(COH_EVENT_FORK, event));
}

static void
on_online(struct coh_group *group, const struct coh_cluster_event *event)
{
    coh_group_tell(group, about(COH_EVENT_ONLINE, event));
    coh_group_member_online(group, event->member);
}

/* "127.0.0.1:8000", "[::1]:80", "unix:/path"; Node tells no host where it asked
   for none. */
static void
describe_address(const struct cohort_address *address, char *out, size_t size)
{
    const char *host = address->host ? address->host : "*";

    if (address->port < 0) {
        snprintf(out, size, "unix:%s", host);
    } else {
        snprintf(
            out, size, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
            address->port);
    }
}

/* It listens: unlike in Node, that is told. */
static void
on_ready(struct coh_group *group, const struct coh_cluster_event *event)
{
    coh_group_member_listens(group, event->member);
}

static void
on_listening(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_LISTENING, event);
    char text[COH_ADDR_TEXT_MAX + 16];

    describe_address(&event->address, text, sizeof(text));
    told.text = text;
    coh_group_tell(group, told);
}

static void
on_message(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_MESSAGE, event);

    if (event->member->serialization == COHORT_SERIALIZATION_JSON) {
        told.message = cohort_str_n(event->message->data, event->message->size);
    }
    coh_group_tell(group, told);
}

static void
on_stuck(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_STUCK, event);

    told.text = event->what;
    coh_group_tell(group, told);
}

/* One that could not be started has no exit. */
static void
on_disconnect(struct coh_group *group, const struct coh_cluster_event *event)
{
    if (event->member->is_stillborn) {
        coh_group_member_ended(group, event->member, "cannot be started");
    } else {
        coh_group_tell(group, about(COH_EVENT_DISCONNECT, event));
    }
}

static void
on_exit_event(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_EXIT, event);
    char how[64];

    told.how = event->member->how;
    told.reason = event->how.reason;
    coh_group_tell(group, told);
    snprintf(
        how, sizeof(how), "ended with %s %d",
        told.how.is_signal ? "signal" : "status", told.how.number);
    coh_group_member_ended(group, event->member, how);
}

/* While a generation is loaded, this is why it fails. */
static void
on_error(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_ERROR, event);
    char text[COH_LOG_LINE_MAX];

    snprintf(
        text, sizeof(text), "worker %llu of the group %s: cannot %s: %s",
        (unsigned long long)event->member->id, group->name, event->what,
        strerror(-event->error));
    if (group->starter) {
        coh_reload_failed(group->starter, text);
    } else {
        told.text = text;
        coh_group_tell(group, told);
    }
}

static void
on_paused(struct coh_group *group, const struct coh_cluster_event *event)
{
    coh_group_tell(group, about(COH_EVENT_ACCEPT_PAUSED, event));
}

static void
on_resumed(struct coh_group *group, const struct coh_cluster_event *event)
{
    coh_group_tell(group, about(COH_EVENT_ACCEPT_RESUMED, event));
}

static void
on_dropped(struct coh_group *group, const struct coh_cluster_event *event)
{
    struct coh_event told = about(COH_EVENT_DROP, event);

    told.count = event->count;
    coh_group_tell(group, told);
}

/* Once: not again with each fork, as Node does. */
void
coh_group_tell_setup(struct coh_group *group)
{
    char text[160];

    snprintf(
        text, sizeof(text), "%u worker%s of %s", group->target,
        group->target == 1 ? "" : "s", group->cluster.settings->shown.exec);
    coh_group_tell(
        group, (struct coh_event){.kind = COH_EVENT_SETUP, .text = text});
}

void
coh_group_on_event(void *user, const struct coh_cluster_event *event)
{
    static void (*const handlers[])(
        struct coh_group * group, const struct coh_cluster_event *event) = {
        [COH_CLUSTER_FORK] = on_fork,
        [COH_CLUSTER_ONLINE] = on_online,
        [COH_CLUSTER_READY] = on_ready,
        [COH_CLUSTER_LISTENING] = on_listening,
        [COH_CLUSTER_MESSAGE] = on_message,
        [COH_CLUSTER_STUCK] = on_stuck,
        [COH_CLUSTER_DISCONNECT] = on_disconnect,
        [COH_CLUSTER_EXIT] = on_exit_event,
        [COH_CLUSTER_ERROR] = on_error,
        [COH_CLUSTER_PAUSED] = on_paused,
        [COH_CLUSTER_RESUMED] = on_resumed,
        [COH_CLUSTER_DROPPED] = on_dropped,
    };

    if (event->kind < sizeof(handlers) / sizeof(handlers[0]) &&
        handlers[event->kind]) {
        handlers[event->kind](user, event);
    }
}
