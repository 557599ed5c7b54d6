/* The client's side of the admin socket. */
#include "server/admin/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (256 * 1024 * 1024)
#define READ_SIZE 16384
#define CONNECT_LIMIT_S 5
#define GET_LIMIT_S 5 /* without a byte of the answer */

/* What has come and was not used yet. */
struct input {
    int fd;
    char *data; /* NUL-terminated */
    size_t size;
    size_t room;
};

/* --- the connection ------------------------------------------------------- */

static void
limit_sending(int fd, int seconds)
{
    const struct timeval limit = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* Who connects to a helper that is stuck waits for room in its queue. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    limit_sending(fd, CONNECT_LIMIT_S);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int result = errno == EAGAIN ? -ETIMEDOUT : -errno;

        close(fd);
        return result;
    }
    limit_sending(fd, 0);
    return fd;
}

/* What only looks is answered at once, or the helper is stuck; what changes
   something may take its time. */
static void
limit_time(int fd, const char *method)
{
    const struct timeval limit = {.tv_sec = GET_LIMIT_S};

    if (strcmp(method, "GET") == 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    }
}

static int
send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            return -errno;
        }
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

static int
send_request(int fd, const char *method, const char *target, const char *body)
{
    size_t size = body ? strlen(body) : 0;
    char *text = NULL;
    int length = size > 0
        ? asprintf(
              &text,
              "%s %s HTTP/1.0\r\nHost: cohort\r\nContent-Type: "
              "application/json\r\nContent-Length: %zu\r\n\r\n%s",
              method, target, size, body)
        : asprintf(
              &text, "%s %s HTTP/1.0\r\nHost: cohort\r\n\r\n", method, target);
    int result;

    if (length < 0) {
        return -ENOMEM;
    }
    result = send_all(fd, text, (size_t)length);
    free(text);
    return result;
}

/* Read more. 1; 0 at the end; -errno. */
static int
fill(struct input *input)
{
    ssize_t got;

    if (input->size > ANSWER_MAX) {
        return -EFBIG;
    }
    if (input->room - input->size < READ_SIZE) {
        size_t room = 2 * input->room + READ_SIZE;
        char *grown = realloc(input->data, room + 1);

        if (!grown) {
            return -ENOMEM;
        }
        input->data = grown;
        input->room = room;
    }
    do {
        got = recv(
            input->fd, input->data + input->size, input->room - input->size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    input->size += (size_t)got;
    input->data[input->size] = '\0';
    return got > 0;
}

static void
use(struct input *input, size_t size)
{
    input->size -= size;
    memmove(input->data, input->data + size, input->size + 1);
}

/* --- the head ------------------------------------------------------------- */

/* The value of Content-Length; -1: there is none. */
static long long
find_length(const char *head)
{
    static const char name[] = "Content-Length:";

    for (const char *line = strchr(head, '\n'); line;
         line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, sizeof(name) - 1) == 0) {
            return strtoll(line + sizeof(name), NULL, 10);
        }
    }
    return -1;
}

/* The status, or -errno. */
static int
read_head(struct input *input, long long *length)
{
    char *end = NULL;
    int status = 0;
    int more = 1;

    while (more > 0 && !end) {
        more = fill(input);
        end = more > 0 ? strstr(input->data, "\r\n\r\n") : NULL;
    }
    if (more < 0) {
        return more;
    }
    if (!end || sscanf(input->data, "HTTP/1.%*1d %3d", &status) != 1) {
        return -EPROTO;
    }
    end[2] = '\0';
    *length = find_length(input->data);
    use(input, (size_t)(end - input->data) + 4);
    return status;
}

static int
read_rest(
    struct input *input, long long length, struct coh_client_answer *answer)
{
    int more;

    do {
        more = fill(input);
    } while (more > 0);
    if (more < 0) {
        return more;
    }
    if (length >= 0 && (size_t)length != input->size) {
        return -EPROTO;
    }
    answer->body = input->data;
    answer->size = input->size;
    input->data = NULL;
    return 0;
}

/* --- asking --------------------------------------------------------------- */

int
coh_client_ask(
    const char *path, const char *method, const char *target, const char *body,
    struct coh_client_answer *answer)
{
    struct input input = {.fd = connect_to(path)};
    long long length = -1;
    int result = input.fd;

    *answer = (struct coh_client_answer){0};
    if (result < 0) {
        return result;
    }
    limit_time(input.fd, method);
    result = send_request(input.fd, method, target, body);
    if (result == 0) {
        result = read_head(&input, &length);
    }
    if (result > 0) {
        answer->status = result;
        result = read_rest(&input, length, answer);
    }
    free(input.data);
    close(input.fd);
    return result;
}

void
coh_client_answer_fini(struct coh_client_answer *answer)
{
    free(answer->body);
    *answer = (struct coh_client_answer){0};
}

/* All whole lines that have come. */
static int
give_lines(
    struct input *input,
    int (*on_line)(const char *line, size_t size, void *user), void *user)
{
    char *end;
    int result = 0;

    while (result == 0 && input->data &&
           (end = memchr(input->data, '\n', input->size)) != NULL) {
        size_t size = (size_t)(end - input->data);

        *end = '\0';
        result = on_line(input->data, size, user);
        use(input, size + 1);
    }
    return result;
}

static int
follow_lines(
    struct input *input,
    int (*on_line)(const char *line, size_t size, void *user), void *user)
{
    int result;
    int more = 1;

    do {
        result = give_lines(input, on_line, user);
        more = result == 0 ? fill(input) : 0;
    } while (more > 0);
    return result < 0 ? result : more;
}

int
coh_client_follow(
    const char *path, const char *target,
    int (*on_line)(const char *line, size_t size, void *user), void *user,
    struct coh_client_answer *answer)
{
    struct input input = {.fd = connect_to(path)};
    long long length = -1;
    int result = input.fd;

    *answer = (struct coh_client_answer){0};
    if (result < 0) {
        return result;
    }
    result = send_request(input.fd, "GET", target, NULL);
    if (result == 0) {
        result = read_head(&input, &length);
    }
    if (result > 0) {
        answer->status = result;
        result = result == 200 ? follow_lines(&input, on_line, user)
                               : read_rest(&input, length, answer);
    }
    free(input.data);
    close(input.fd);
    return result;
}
