/* How a Node primary tells a worker in its environment where its channel is. */
#ifndef COH_SERVER_CHANNEL_NODE_ENVIRONMENT_H
#define COH_SERVER_CHANNEL_NODE_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

struct coh_node_environment {
    int channel_fd;     /* a stream socket: non-blocking, CLOEXEC */
    uint64_t worker_id; /* 0: started by child_process.fork, no cluster */
};

/*
 * What this process was told; deleted from its environment, so that its own
 * children don't take themselves for workers of its primary.
 *
 * why      Set on failure to a fixed text.
 * Process  Worker, before anything else and while it has one thread.
 * Returns  0; -ENOENT when no Node process started this one; -EINVAL when what
 *          it was told cannot be (NODE_UNIQUE_ID without a channel, for
 *          example); -ENOTSUP for serialization "advanced".
 */
int coh_node_environment_take(
    struct coh_node_environment *environment, const char **why);

/* What a primary adds to the environment of a worker: "NAME=value" each,
   NUL-terminated. */
struct coh_node_variables {
    char channel_fd[40];
    char worker_id[48];
    char serialization[48];
};

/* channel_fd is the number that the worker will see. */
void coh_node_variables_fill(
    struct coh_node_variables *variables, int channel_fd, uint64_t worker_id);

/* Is "NAME=value" one of those? Not to be inherited by a worker. */
bool coh_node_is_variable(const char *entry);

#endif
