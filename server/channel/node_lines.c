/* What comes over a Node channel: bytes cut into lines, and descriptors, each
   with the line that it came with. */
#include "server/channel/node_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fdpass.h"

/* At least so much is read at once. */
#define READ_SIZE (16 * 1024)

void
coh_node_lines_init(struct coh_node_lines *lines)
{
    memset(lines, 0, sizeof(*lines));
}

static void
drop_arrivals(struct coh_node_lines *lines, size_t count)
{
    lines->arrival_count -= count;
    memmove(
        lines->arrivals, lines->arrivals + count,
        sizeof(lines->arrivals[0]) * lines->arrival_count);
}

/* Close those whose line was to begin before offset: they came without one. */
static void
close_arrivals_before(struct coh_node_lines *lines, uint64_t offset)
{
    while (lines->arrival_count > 0 && lines->arrivals[0].to <= offset) {
        close(lines->arrivals[0].fd);
        drop_arrivals(lines, 1);
    }
}

void
coh_node_lines_fini(struct coh_node_lines *lines)
{
    close_arrivals_before(lines, UINT64_MAX);
    free(lines->data);
    coh_node_lines_init(lines);
}

/* --- receiving ------------------------------------------------------------ */

/* What was handed out is not needed any more. An idle channel holds no
   memory. */
static void
forget_lines(struct coh_node_lines *lines)
{
    lines->base += lines->start;
    lines->size -= lines->start;
    lines->searched -= lines->start;
    if (lines->size == 0) {
        free(lines->data);
        lines->data = NULL;
        lines->room = 0;
    } else if (lines->start > 0) {
        memmove(lines->data, lines->data + lines->start, lines->size);
    }
    lines->start = 0;
}

/* Never more than one line and one read: coh_node_lines_next refuses what is
   longer. */
static int
make_room(struct coh_node_lines *lines)
{
    size_t room = lines->room == 0 ? READ_SIZE : lines->room;
    char *data;

    while (room - lines->size < READ_SIZE) {
        room *= 2;
    }
    if (room == lines->room) {
        return 0;
    }
    data = realloc(lines->data, room);
    if (data == NULL) {
        return -ENOMEM;
    }
    lines->data = data;
    lines->room = room;
    return 0;
}

/* One descriptor comes with a line; others have none. */
static void
add_arrivals(
    struct coh_node_lines *lines, const int *fds, size_t fd_count, size_t size)
{
    uint64_t from = lines->base + lines->size;

    for (size_t i = 0; i < fd_count; i++) {
        if (i > 0 || lines->arrival_count == COH_NODE_ARRIVALS_MAX) {
            close(fds[i]);
            continue;
        }
        lines->arrivals[lines->arrival_count++] = (struct coh_node_arrival){
            .from = from,
            .to = from + size,
            .fd = fds[i],
        };
    }
}

ssize_t
coh_node_lines_receive(struct coh_node_lines *lines, int socket)
{
    int fds[COH_FDPASS_MAX];
    size_t fd_count = COH_FDPASS_MAX;
    bool is_cut; /* told by a line whose descriptor is not there */
    ssize_t got;
    int result;

    close_arrivals_before(lines, lines->base);
    result = make_room(lines);
    if (result < 0) {
        return result;
    }
    got = coh_fds_receive_cut(
        socket, lines->data + lines->size, lines->room - lines->size, fds,
        &fd_count, &is_cut);
    if (got > 0) {
        add_arrivals(lines, fds, fd_count, (size_t)got);
        lines->size += (size_t)got;
    }
    return got;
}

/* --- handing out ---------------------------------------------------------- */

int
coh_node_lines_next(struct coh_node_lines *lines, struct cohort_str *line)
{
    char *begin;
    char *newline;
    size_t size;

    if (lines->data == NULL) {
        return 0;
    }
    begin = lines->data + lines->start;
    newline = memchr(
        lines->data + lines->searched, '\n', lines->size - lines->searched);
    lines->searched = lines->size;
    size = newline == NULL ? lines->size - lines->start
                           : (size_t)(newline - begin);
    if (size > COH_NODE_LINE_MAX) {
        return -EMSGSIZE;
    }
    if (newline == NULL) {
        forget_lines(lines);
        return 0;
    }
    *newline = '\0';
    *line = cohort_str_n(begin, size);
    lines->line = lines->base + lines->start;
    lines->start += size + 1;
    lines->searched = lines->start;
    close_arrivals_before(lines, lines->line);
    return 1;
}

int
coh_node_lines_take_fd(struct coh_node_lines *lines)
{
    int fd;

    if (lines->arrival_count == 0 || lines->arrivals[0].from > lines->line) {
        return -1;
    }
    fd = lines->arrivals[0].fd;
    drop_arrivals(lines, 1);
    return fd;
}
