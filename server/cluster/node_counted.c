/* Descriptors are the program's from the moment it has them. Whether one is
   still the same is told by the number of its inode, which no two sockets have
   at a time. */
#include "server/cluster/node_counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/event.h"
#include "core/json_text.h"
#include "server/channel/node_channel.h"

#define LOOK_MS 100
#define SWEEP_MIN 64
#define KEY_MAX 512 /* bytes; Node's name an address */

/* One connection; or, with fd -1, that the primary waits for those of a key. */
struct coh_node_counted_one {
    LIST_ENTRY(coh_node_counted_one) link;
    int fd;
    ino_t inode;
    size_t key_size;
    char key[]; /* a JSON text */
};

static bool
has_key(const struct coh_node_counted_one *one, struct cohort_str key)
{
    return one->key_size == key.size &&
        memcmp(one->key, key.data, key.size) == 0;
}

static struct cohort_str
key_of(const struct coh_node_counted_one *one)
{
    return cohort_str_n(one->key, one->key_size);
}

static bool
is_open(const struct coh_node_counted_one *one)
{
    struct stat found;

    return fstat(one->fd, &found) == 0 && S_ISSOCK(found.st_mode) &&
        found.st_ino == one->inode;
}

static struct coh_node_counted_one *
add(struct coh_node_counted *counted, struct cohort_str key, int fd)
{
    struct coh_node_counted_one *one =
        key.size <= KEY_MAX ? malloc(sizeof(*one) + key.size) : NULL;

    if (one != NULL) {
        one->fd = fd;
        one->inode = 0;
        one->key_size = key.size;
        memcpy(one->key, key.data, key.size);
        LIST_INSERT_HEAD(&counted->list, one, link);
        counted->count++;
    }
    return one;
}

static void
drop(struct coh_node_counted *counted, struct coh_node_counted_one *one)
{
    LIST_REMOVE(one, link);
    counted->count--;
    free(one);
}

/* The primary need not ask, ever, and then nobody else looks who was closed.
   How often that is done depends on how many are open: a new one costs two
   looks at most. */
static void
sweep(struct coh_node_counted *counted)
{
    struct coh_node_counted_one *one = LIST_FIRST(&counted->list);

    while (one != NULL) {
        struct coh_node_counted_one *next = LIST_NEXT(one, link);

        if (one->fd >= 0 && !is_open(one)) {
            drop(counted, one);
        }
        one = next;
    }
    counted->sweep_at = 2 * counted->count + SWEEP_MIN;
}

/* Those that were closed meanwhile are forgotten. */
static unsigned
count(struct coh_node_counted *counted, struct cohort_str key)
{
    struct coh_node_counted_one *one = LIST_FIRST(&counted->list);
    unsigned open = 0;

    while (one != NULL) {
        struct coh_node_counted_one *next = LIST_NEXT(one, link);

        if (one->fd >= 0 && has_key(one, key)) {
            if (is_open(one)) {
                open++;
            } else {
                drop(counted, one);
            }
        }
        one = next;
    }
    return open;
}

/* --- answers -------------------------------------------------------------- */

static void
say(struct coh_node_counted *counted, const char *command,
    struct cohort_str key, const char *more)
{
    char text[KEY_MAX + 128];
    int size = snprintf(
        text, sizeof(text), "{\"cmd\":\"%s\",\"key\":%.*s%s}", command,
        (int)key.size, key.data, more);

    if (size < (int)sizeof(text)) {
        (void)coh_node_channel_send_internal(
            counted->channel, cohort_str_n(text, (size_t)size), NULL);
    }
}

static void
say_count(struct coh_node_counted *counted, struct cohort_str key)
{
    char more[32];

    snprintf(more, sizeof(more), ",\"count\":%u", count(counted, key));
    say(counted, "NODE_SOCKET_COUNT", key, more);
}

static void
look_later(struct coh_node_counted *counted)
{
    coh_event_add_ms(&counted->look, LOOK_MS);
}

/* No call of the program's tells when it closes one. */
static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_node_counted *counted = user;
    struct coh_node_counted_one *one = LIST_FIRST(&counted->list);
    bool is_awaited = false;

    (void)fd;
    (void)what;
    while (one != NULL) {
        bool is_over = one->fd < 0 && count(counted, key_of(one)) == 0;
        struct coh_node_counted_one *next = LIST_NEXT(one, link);

        if (is_over) {
            say(counted, "NODE_SOCKET_ALL_CLOSED", key_of(one), "");
            drop(counted, one);
        } else if (one->fd < 0) {
            is_awaited = true;
        }
        one = next;
    }
    if (is_awaited) {
        look_later(counted);
    }
}

void
coh_node_counted_answer(
    struct coh_node_counted *counted, struct cohort_str message)
{
    struct cohort_str command;
    struct cohort_str key;

    if (!coh_json_text_member(message, "cmd", &command) ||
        !coh_json_text_member(message, "key", &key) || key.size > KEY_MAX) {
        return;
    }
    if (coh_json_text_is(command, "NODE_SOCKET_GET_COUNT")) {
        say_count(counted, key);
    } else if (coh_json_text_is(command, "NODE_SOCKET_NOTIFY_CLOSE")) {
        add(counted, key, -1);
        on_look(-1, 0, counted);
    }
}

/* --- life ----------------------------------------------------------------- */

void
coh_node_counted_add(
    struct coh_node_counted *counted, struct cohort_str key, int fd)
{
    struct coh_node_counted_one *one;
    struct stat found;

    if (counted->count >= counted->sweep_at) {
        sweep(counted);
    }
    if (fstat(fd, &found) == 0) {
        one = add(counted, key, fd);
        if (one != NULL) {
            one->inode = found.st_ino;
        }
    }
}

void
coh_node_counted_init(
    struct coh_node_counted *counted, struct coh_node_channel *channel,
    struct coh_loop *loop)
{
    counted->channel = channel;
    LIST_INIT(&counted->list);
    counted->count = 0;
    counted->sweep_at = SWEEP_MIN;
    event_assign(&counted->look, loop->base, -1, 0, on_look, counted);
}

void
coh_node_counted_fini(struct coh_node_counted *counted)
{
    struct coh_node_counted_one *one;

    event_del(&counted->look);
    while ((one = LIST_FIRST(&counted->list)) != NULL) {
        drop(counted, one);
    }
}
