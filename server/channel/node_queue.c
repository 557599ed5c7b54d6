/* Lines on their way out of a Node channel: bounded, in order, held back while
   a descriptor has not been acknowledged. */
#include "server/channel/node_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "server/channel/node_lines.h"

struct coh_node_queued {
    TAILQ_ENTRY(coh_node_queued) link;
    struct coh_node_queued_list *list;
    struct coh_node_passing passing; /* fd is our duplicate, -1 once it is not
                                        needed any more */
    bool has_fd;
    size_t size;
    size_t sent;
    char data[]; /* size bytes */
};

void
coh_node_queue_init(struct coh_node_queue *queue)
{
    memset(queue, 0, sizeof(*queue));
    TAILQ_INIT(&queue->replies);
    TAILQ_INIT(&queue->messages);
    TAILQ_INIT(&queue->awaiting);
}

static void
close_fd(struct coh_node_queued *line)
{
    if (line->passing.fd >= 0) {
        close(line->passing.fd);
        line->passing.fd = -1;
    }
}

static void
free_line(struct coh_node_queue *queue, struct coh_node_queued *line)
{
    queue->fd_count -= line->has_fd;
    close_fd(line);
    free(line);
}

static void
free_list(struct coh_node_queue *queue, struct coh_node_queued_list *list)
{
    struct coh_node_queued *line;

    while ((line = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, line, link);
        free_line(queue, line);
    }
}

void
coh_node_queue_fini(struct coh_node_queue *queue)
{
    free_list(queue, &queue->replies);
    free_list(queue, &queue->messages);
    free_list(queue, &queue->awaiting);
    coh_node_queue_init(queue);
}

bool
coh_node_queue_is_idle(const struct coh_node_queue *queue)
{
    return queue->byte_count == 0 && TAILQ_EMPTY(&queue->awaiting);
}

/* --- appending ------------------------------------------------------------ */

static char *
put(char *out, struct cohort_str text)
{
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    return out + text.size;
}

/* A line of size bytes, still to be filled in. NULL without memory. */
static struct coh_node_queued *
line_new(size_t size)
{
    struct coh_node_queued *line = malloc(sizeof(*line) + size);

    if (line != NULL) {
        memset(line, 0, sizeof(*line));
        line->passing.fd = -1;
        line->size = size;
    }
    return line;
}

static void
append(
    struct coh_node_queue *queue, struct coh_node_queued_list *list,
    struct coh_node_queued *line)
{
    line->list = list;
    TAILQ_INSERT_TAIL(list, line, link);
    queue->byte_count += line->size;
    queue->fd_count += line->has_fd;
}

static int
add_fd(struct coh_node_queued *line, const struct coh_node_passing *passing)
{
    if (passing->fd < 0) {
        return 0;
    }
    line->passing = *passing;
    line->has_fd = true;
    line->passing.fd = fcntl(passing->fd, F_DUPFD_CLOEXEC, 0);
    return line->passing.fd < 0 ? -errno : 0;
}

static void
blank_newlines(char *text, size_t size)
{
    char *newline;

    while (size > 0 && (newline = memchr(text, '\n', size)) != NULL) {
        *newline = ' ';
        size -= (size_t)(newline + 1 - text);
        text = newline + 1;
    }
}

int
coh_node_queue_push(
    struct coh_node_queue *queue, struct cohort_str prefix,
    struct cohort_str text, struct cohort_str suffix,
    const struct coh_node_passing *passing)
{
    size_t size = prefix.size + suffix.size;
    struct coh_node_queued *line;
    char *out;
    int result;

    if (text.size > COH_NODE_LINE_MAX - size) {
        return -EMSGSIZE;
    }
    size += text.size + 1;
    if (queue->byte_count + size > COH_NODE_QUEUE_BYTES_MAX ||
        queue->fd_count + (passing->fd >= 0) > COH_NODE_QUEUE_FDS_MAX) {
        return -ENOBUFS;
    }
    line = line_new(size);
    if (line == NULL) {
        return -ENOMEM;
    }
    result = add_fd(line, passing);
    if (result < 0) {
        free(line);
        return result;
    }
    out = put(line->data, prefix);
    put(out, text);
    blank_newlines(out, text.size);
    *put(out + text.size, suffix) = '\n';
    append(queue, &queue->messages, line);
    return 0;
}

int
coh_node_queue_push_reply(struct coh_node_queue *queue, struct cohort_str text)
{
    struct coh_node_queued *line;

    if (queue->byte_count + text.size + 1 > COH_NODE_QUEUE_BYTES_MAX) {
        return -ENOBUFS;
    }
    line = line_new(text.size + 1);
    if (line == NULL) {
        return -ENOMEM;
    }
    *put(line->data, text) = '\n';
    append(queue, &queue->replies, line);
    return 0;
}

/* --- sending -------------------------------------------------------------- */

static struct coh_node_queued *
next_line(const struct coh_node_queue *queue)
{
    if (queue->current != NULL) {
        return queue->current;
    }
    if (!TAILQ_EMPTY(&queue->replies)) {
        return TAILQ_FIRST(&queue->replies);
    }
    return queue->hold_count > 0 ? NULL : TAILQ_FIRST(&queue->messages);
}

/* All of it has been written. */
static void
finish(struct coh_node_queue *queue, struct coh_node_queued *line)
{
    TAILQ_REMOVE(line->list, line, link);
    queue->byte_count -= line->size;
    queue->current = NULL;
    if (!line->has_fd) {
        free_line(queue, line);
        return;
    }
    if (line->passing.retries == 0) {
        close_fd(line);
    }
    queue->hold_count += !line->passing.is_pipelined;
    line->list = &queue->awaiting;
    TAILQ_INSERT_TAIL(&queue->awaiting, line, link);
}

/* The descriptor goes with the first byte. */
static ssize_t
send_part(const struct coh_node_queued *line, int socket)
{
    struct iovec part = {.iov_len = line->size - line->sent};
    const char *rest = line->data + line->sent;
    bool sends_fd = line->has_fd && line->sent == 0;

    memcpy(&part.iov_base, &rest, sizeof(rest)); /* only read from */
    return coh_fds_send(socket, &part, 1, &line->passing.fd, sends_fd ? 1 : 0);
}

int
coh_node_queue_send(struct coh_node_queue *queue, int socket)
{
    struct coh_node_queued *line;

    while ((line = next_line(queue)) != NULL) {
        ssize_t sent = send_part(line, socket);

        if (sent < 0) {
            return (int)sent;
        }
        line->sent += (size_t)sent;
        queue->sent_bytes += (uint64_t)sent;
        queue->current = line;
        if (line->sent == line->size) {
            finish(queue, line);
        }
    }
    return 0;
}

int
coh_node_queue_acknowledge(
    struct coh_node_queue *queue, bool was_taken, uint64_t *token)
{
    struct coh_node_queued *line = TAILQ_FIRST(&queue->awaiting);

    if (line == NULL) {
        return -EPROTO;
    }
    TAILQ_REMOVE(&queue->awaiting, line, link);
    queue->hold_count -= !line->passing.is_pipelined;
    if (was_taken || line->passing.retries == 0) {
        *token = line->passing.token;
        free_line(queue, line);
        return 1;
    }
    line->passing.retries--;
    line->sent = 0;
    line->list = &queue->messages;
    TAILQ_INSERT_HEAD(&queue->messages, line, link);
    queue->byte_count += line->size;
    return 0;
}
