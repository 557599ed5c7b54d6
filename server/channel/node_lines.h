/* What comes over a Node channel: bytes cut into lines, and descriptors, each
   with the line that it came with. */
#ifndef COH_SERVER_CHANNEL_NODE_LINES_H
#define COH_SERVER_CHANNEL_NODE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/str.h>

#define COH_NODE_LINE_MAX (1024 * 1024) /* bytes, the newline not counted */

/* One may wait for the rest of its line while a read brings the next. */
#define COH_NODE_ARRIVALS_MAX 2

/*
 * A descriptor travels with the first byte of its line, and the kernel ends a
 * read at the message that carried one. So its line is one that begins among
 * the bytes of the same read: from..to, counted from the start of the stream.
 */
struct coh_node_arrival {
    uint64_t from;
    uint64_t to;
    int fd;
};

struct coh_node_lines {
    char *data; /* NULL while nothing is held */
    size_t room;
    size_t size;
    size_t start;    /* of the next line */
    size_t searched; /* there is no newline before it */
    uint64_t base;   /* where data stands in the stream */
    uint64_t line;   /* where the line handed out last stood */
    struct coh_node_arrival arrivals[COH_NODE_ARRIVALS_MAX];
    size_t arrival_count;
};

/* All zero is an empty one too. */
void coh_node_lines_init(struct coh_node_lines *lines);

/* Closes the descriptors that nobody took. */
void coh_node_lines_fini(struct coh_node_lines *lines);

/*
 * Read once from a non-blocking SOCK_STREAM socket, when no complete line is
 * left.
 *
 * Returns  bytes; 0 at end of file; -EAGAIN; -ENOMEM.
 */
ssize_t coh_node_lines_receive(struct coh_node_lines *lines, int socket);

/*
 * The next complete line, without its newline, which has become a NUL.
 *
 * line     Valid until the next call with these lines.
 * Returns  1; 0 when no line is complete; -EMSGSIZE when the one that is
 *          coming has passed COH_NODE_LINE_MAX.
 */
int coh_node_lines_next(struct coh_node_lines *lines, struct cohort_str *line);

/* The descriptor that came with the line handed out last, the caller's from
   now on; -1 if there was none, or it was cut off for lack of room. */
int coh_node_lines_take_fd(struct coh_node_lines *lines);

#endif
