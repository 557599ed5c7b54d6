/* How a Node primary tells a worker in its environment where its channel is. */
#include "server/channel/node_environment.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/socket.h"
#include "core/str.h"

static const char fd_name[] = "NODE_CHANNEL_FD";
static const char id_name[] = "NODE_UNIQUE_ID";
static const char mode_name[] = "NODE_CHANNEL_SERIALIZATION_MODE";

static int
refuse(const char **why, int result, const char *text)
{
    *why = text;
    return result;
}

static bool
is_stream_socket(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_STREAM;
}

static int
take_channel(
    struct coh_node_environment *environment, const char *fd, const char **why)
{
    uint64_t number;
    int result;

    if (coh_str_to_u64(cohort_str(fd), INT_MAX, &number) < 0 ||
        !is_stream_socket((int)number)) {
        return refuse(why, -EINVAL, "NODE_CHANNEL_FD is no stream socket");
    }
    environment->channel_fd = (int)number;
    result = coh_fd_set_cloexec(environment->channel_fd, true);
    if (result == 0) {
        result = coh_fd_set_nonblocking(environment->channel_fd, true);
    }
    return result < 0 ? refuse(why, result, "NODE_CHANNEL_FD cannot be set up")
                      : 0;
}

static int
take(
    struct coh_node_environment *environment, const char *fd, const char *id,
    const char *mode, const char **why)
{
    environment->worker_id = 0;
    if (fd == NULL) {
        return id == NULL
            ? refuse(why, -ENOENT, "no Node process has started this one")
            : refuse(
                  why, -EINVAL,
                  "NODE_UNIQUE_ID is set, but NODE_CHANNEL_FD is not");
    }
    if (mode != NULL && strcmp(mode, "json") != 0) {
        return refuse(
            why, -ENOTSUP,
            "NODE_CHANNEL_SERIALIZATION_MODE is not json: set the primary's "
            "serialization so");
    }
    if (id != NULL &&
        coh_str_to_u64(cohort_str(id), UINT64_MAX, &environment->worker_id) <
            0) {
        return refuse(why, -EINVAL, "NODE_UNIQUE_ID is no number");
    }
    return take_channel(environment, fd, why);
}

int
coh_node_environment_take(
    struct coh_node_environment *environment, const char **why)
{
    int result = take(
        environment, getenv(fd_name), getenv(id_name), getenv(mode_name), why);

    unsetenv(fd_name);
    unsetenv(id_name);
    unsetenv(mode_name);
    return result;
}

void
coh_node_variables_fill(
    struct coh_node_variables *variables, int channel_fd, uint64_t worker_id)
{
    snprintf(
        variables->channel_fd, sizeof(variables->channel_fd), "%s=%d", fd_name,
        channel_fd);
    snprintf(
        variables->worker_id, sizeof(variables->worker_id), "%s=%" PRIu64,
        id_name, worker_id);
    snprintf(
        variables->serialization, sizeof(variables->serialization), "%s=json",
        mode_name);
}

static bool
is_named(const char *entry, const char *name)
{
    size_t size = strlen(name);

    return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

bool
coh_node_is_variable(const char *entry)
{
    return is_named(entry, fd_name) || is_named(entry, id_name) ||
        is_named(entry, mode_name);
}
