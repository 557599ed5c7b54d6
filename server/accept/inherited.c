/* Listening sockets that were open before we were started. */
#include "server/accept/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/socket.h"

static int
socket_number(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -errno
                                                                 : value;
}

/* 0, or why we cannot listen there. */
static int
check(int fd, struct coh_addr *address)
{
    int type = socket_number(fd, SO_TYPE);

    if (type < 0) {
        return type == -ENOTSOCK ? -EINVAL : type;
    }
    if (type != SOCK_STREAM || socket_number(fd, SO_ACCEPTCONN) != 1) {
        return -EINVAL;
    }
    return coh_addr_of_socket(fd, address);
}

static int
append(
    struct coh_inherited *inherited, int fd, const char *name,
    const struct coh_addr *address)
{
    char *copy = strdup(name);
    struct coh_inherited_socket *array = realloc(
        inherited->array, (inherited->count + 1) * sizeof(*inherited->array));

    if (array != NULL) {
        inherited->array = array;
    }
    if (array == NULL || copy == NULL) {
        free(copy);
        return -ENOMEM;
    }
    array[inherited->count++] = (struct coh_inherited_socket){
        .fd = fd,
        .name = copy,
        .address = *address,
    };
    return 0;
}

int
coh_inherited_add(struct coh_inherited *inherited, int fd, const char *name)
{
    struct coh_addr address;
    int result = check(fd, &address);

    if (result == 0) {
        result = append(inherited, fd, name, &address);
    }
    if (result < 0) {
        close(fd);
    }
    return result;
}

int
coh_inherited_take(
    struct coh_inherited *inherited, const struct coh_addr *address)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct coh_inherited_socket *socket = &inherited->array[i];
        int fd;

        if (!coh_addr_equal(&socket->address, address)) {
            continue;
        }
        fd = fcntl(socket->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            return -errno;
        }
        socket->was_taken = true;
        coh_fd_set_nonblocking(fd, true);
        return fd;
    }
    return -ENOENT;
}

void
coh_inherited_close_unused(
    struct coh_inherited *inherited, struct cohort_log *log)
{
    size_t kept = 0;

    for (size_t i = 0; i < inherited->count; i++) {
        struct coh_inherited_socket *socket = &inherited->array[i];
        char text[COH_ADDR_TEXT_MAX];

        if (socket->was_taken) {
            inherited->array[kept++] = *socket;
            continue;
        }
        cohort_warn(
            log,
            "closing the inherited socket %s%s%s: no listen directive has "
            "exactly this address",
            coh_addr_format(&socket->address, text),
            socket->name[0] ? " of " : "", socket->name);
        close(socket->fd);
        free(socket->name);
    }
    inherited->count = kept;
}

void
coh_inherited_fini(struct coh_inherited *inherited)
{
    for (size_t i = 0; i < inherited->count; i++) {
        close(inherited->array[i].fd);
        free(inherited->array[i].name);
    }
    free(inherited->array);
    *inherited = (struct coh_inherited){.array = NULL};
}
