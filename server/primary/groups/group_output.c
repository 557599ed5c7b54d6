/* Pipes, read line by line; what is too long for a line becomes several. */
#include "server/primary/groups/group_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/primary/groups/group.h"
#include "server/primary/primary.h"

#define LINE_SIZE_MAX 1024 /* with the prefix it fits into one of the log's */
#define READ_MAX 16 /* reads per turn: others have something to say, too */

struct coh_group_output {
    LIST_ENTRY(coh_group_output) link;
    struct coh_group *group;
    uint64_t worker_id;
    unsigned number; /* of the worker's descriptor */
    int fd;
    struct event event;
    size_t size;
    char line[LINE_SIZE_MAX];
};

static void
log_line(const struct coh_group_output *output, const char *line, size_t size)
{
    cohort_log_at(
        &output->group->primary->log,
        output->number == STDERR_FILENO ? COHORT_LOG_ERROR : COHORT_LOG_NOTICE,
        "%s worker %" PRIu64 ": %.*s", output->group->name, output->worker_id,
        (int)size, line);
}

/* Whole lines go to the log, the rest waits for its end. */
static void
log_lines(struct coh_group_output *output)
{
    const char *at = output->line;
    const char *end = output->line + output->size;
    const char *newline;

    while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        log_line(output, at, (size_t)(newline - at));
        at = newline + 1;
    }
    output->size = (size_t)(end - at);
    memmove(output->line, at, output->size);
    if (output->size == sizeof(output->line)) {
        log_line(output, output->line, output->size);
        output->size = 0;
    }
}

/* What is there now. False: nothing more will come. */
static bool
read_now(struct coh_group_output *output)
{
    for (unsigned i = 0; i < READ_MAX; i++) {
        ssize_t got = read(
            output->fd, output->line + output->size,
            sizeof(output->line) - output->size);

        if (got <= 0) {
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        output->size += (size_t)got;
        log_lines(output);
    }
    return true;
}

static void
output_free(struct coh_group_output *output)
{
    if (output->size > 0) {
        log_line(output, output->line, output->size);
    }
    LIST_REMOVE(output, link);
    event_del(&output->event);
    close(output->fd);
    free(output);
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    if (!read_now(user)) {
        output_free(user);
    }
}

static void
add(struct coh_group *group, struct cohort_worker *member, unsigned number)
{
    struct coh_group_output *output = calloc(1, sizeof(*output));

    if (!output) {
        return; /* the pipe stays the member's, and is closed with it */
    }
    output->group = group;
    output->worker_id = member->id;
    output->number = number;
    output->fd = member->stdio[number];
    member->stdio[number] = -1;
    event_assign(
        &output->event, group->primary->loop.base, output->fd,
        EV_READ | EV_PERSIST, on_readable, output);
    event_add(&output->event, NULL);
    LIST_INSERT_HEAD(&group->outputs, output, link);
}

void
coh_group_output_add(struct coh_group *group, struct cohort_worker *member)
{
    for (unsigned i = STDOUT_FILENO; i < member->stdio_count; i++) {
        if (member->stdio[i] >= 0) {
            add(group, member, i);
        }
    }
}

void
coh_group_output_end(struct coh_group *group)
{
    struct coh_group_output *output;

    while ((output = LIST_FIRST(&group->outputs)) != NULL) {
        read_now(output);
        output_free(output);
    }
}

void
coh_group_output_forget(struct coh_group *group)
{
    struct coh_group_output *output;

    LIST_FOREACH (output, &group->outputs, link) {
        close(output->fd);
    }
}
