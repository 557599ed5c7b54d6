/* The primary's end of a starting worker's standard error. */
#include "server/primary/last_words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log.h"
#include "core/socket.h"

#define PIECE_SIZE 4096
#define PIECES_MAX 16 /* as much as a pipe holds */

void
coh_last_words_init(struct coh_last_words *words)
{
    *words = (struct coh_last_words){.fd = -1};
}

/* Keep the last bytes of what comes piece by piece. */
static void
keep(struct coh_last_words *words, const char *piece, size_t size)
{
    const size_t max = sizeof(words->text) - 1;

    if (size > max) {
        piece += size - max;
        size = max;
    }
    if (words->size + size > max) {
        size_t lost = words->size + size - max;

        memmove(words->text, words->text + lost, words->size - lost);
        words->size -= lost;
    }
    memcpy(words->text + words->size, piece, size);
    words->size += size;
}

static ssize_t
hear(struct coh_last_words *words)
{
    char piece[PIECE_SIZE];
    ssize_t got = read(words->fd, piece, sizeof(piece));

    if (got > 0) {
        keep(words, piece, (size_t)got);
        coh_log_fd_write(STDERR_FILENO, piece, (size_t)got);
    }
    return got;
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct coh_last_words *words = user;

    (void)fd;
    (void)what;
    if (hear(words) == 0) {
        event_del(&words->event); /* whoever held the other end is gone */
    }
}

int
coh_last_words_open(
    struct coh_last_words *words, struct coh_loop *loop, int *speaker)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    coh_fd_set_nonblocking(ends[0], true);
    words->fd = ends[0];
    *speaker = ends[1];
    event_assign(
        &words->event, loop->base, words->fd, EV_READ | EV_PERSIST, on_readable,
        words);
    return event_add(&words->event, NULL) < 0 ? -ENOMEM : 0;
}

/* Without what a terminal or a log could take for something else. */
static void
flatten(struct coh_last_words *words)
{
    while (words->size > 0 && words->text[words->size - 1] == '\n') {
        words->size--;
    }
    words->text[words->size] = '\0';
    for (char *at = words->text; *at; at++) {
        if (*at == '\n') {
            *at = '|';
        } else if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
}

/* What is there by now, but not for ever: somebody whom the worker has left
   behind may write on. */
static void
hear_the_rest(struct coh_last_words *words)
{
    for (int i = 0; i < PIECES_MAX && hear(words) > 0; i++) {
    }
}

const char *
coh_last_words_close(struct coh_last_words *words)
{
    if (words->fd >= 0) {
        hear_the_rest(words);
        event_del(&words->event);
        close(words->fd);
        words->fd = -1;
        flatten(words);
    }
    return words->text;
}
