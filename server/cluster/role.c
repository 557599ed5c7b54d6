/* The role, read from the environment before main() runs, and deleted there. */
#include "server/cluster/role.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cohort/cluster.h>

#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_environment.h"

static struct coh_role role = {.channel = -1};

struct coh_role *
coh_role(void)
{
    return &role;
}

bool
cohort_is_worker(void)
{
    return role.is_worker;
}

bool
cohort_is_primary(void)
{
    return !role.is_worker;
}

static bool
is_named(const char *entry, const char *name)
{
    size_t size = strlen(name);

    return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

bool
coh_role_is_variable(const char *entry)
{
    return is_named(entry, COH_ROLE_WORKER_ID) ||
        is_named(entry, COH_ROLE_CHANNEL_FD) || coh_node_is_variable(entry);
}

/* A worker without a channel would wait for ever for its primary. */
static void
complain(const char *why)
{
    fprintf(stderr, "cohort: this process is no worker: %s\n", why);
}

static bool
is_packet_socket(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_SEQPACKET;
}

static void
become_worker(const char *id, const char *channel)
{
    uint64_t fd;

    if (coh_str_to_u64(cohort_str(id), UINT32_MAX, &role.worker_id) < 0 ||
        role.worker_id == 0) {
        complain(COH_ROLE_WORKER_ID " is no number from 1 on");
    } else if (
        channel == NULL ||
        coh_str_to_u64(cohort_str(channel), INT_MAX, &fd) < 0 ||
        !is_packet_socket((int)fd)) {
        complain(COH_ROLE_WORKER_ID " is set, but " COH_ROLE_CHANNEL_FD
                                    " is no channel");
    } else {
        role.is_worker = true;
        role.channel = (int)fd;
        coh_fd_set_cloexec(role.channel, true);
    }
}

/* Programs that Node started otherwise (child_process.fork) keep what they were
   told: it is not ours. */
static void
become_node_worker(void)
{
    struct coh_node_environment environment;
    const char *why;

    if (coh_node_environment_take(&environment, &why) < 0) {
        complain(why);
        return;
    }
    role.is_worker = true;
    role.is_node = true;
    role.worker_id = environment.worker_id;
    role.channel = environment.channel_fd;
}

/* Before any code of the program, which may look at its environment or execute
   something: hence a constructor. */
__attribute__((constructor)) static void
take_role(void)
{
    const char *id = getenv(COH_ROLE_WORKER_ID);

    if (id != NULL) {
        become_worker(id, getenv(COH_ROLE_CHANNEL_FD));
    } else if (getenv("NODE_UNIQUE_ID") != NULL) {
        become_node_worker();
    }
    unsetenv(COH_ROLE_WORKER_ID);
    unsetenv(COH_ROLE_CHANNEL_FD);
}
