/* Beginning to listen: by asking the primary, or on a socket of one's own. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/socket.h"
#include "server/accept/socket_open.h"
#include "server/cluster/listening.h"
#include "server/cluster/self.h"
#include "server/cluster/site_open.h"

/* The lowest that no other listening on port 0 of this address has. */
static void
number_ordinal(struct coh_cluster_self *self, struct coh_query *query)
{
    const struct cohort_listening *other;

    query->ordinal = 0;
    if (query->address.u.any.sa_family == AF_UNIX ||
        coh_addr_port(&query->address) != 0) {
        return;
    }
    do {
        TAILQ_FOREACH (other, &self->listenings, link) {
            if (!other->is_own && coh_listening_is_had(other) &&
                coh_query_is_same(&other->query, query)) {
                query->ordinal++;
                break;
            }
        }
    } while (other != NULL);
}

int
coh_listening_ask(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings,
    const struct coh_query *query, struct cohort_listening **made)
{
    struct cohort_listening *listening;
    int result;

    if (self->state != COH_SELF_STAYING) {
        return -EPIPE;
    }
    if (self->listening_count >= COH_SEATS_MAX) {
        return -ENOSPC;
    }
    listening = coh_listening_new(self, settings);
    if (listening == NULL) {
        return -ENOMEM;
    }
    listening->query = *query;
    listening->request = ++self->last_request;
    result = self->codec->query(listening);
    if (result < 0) {
        coh_listening_free(listening);
        return result;
    }
    if (made != NULL) {
        *made = listening;
    }
    return 0;
}

/* A socket that is this process's alone. */
static int
listen_alone(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings,
    const struct coh_query *query, int fd, struct cohort_listening **made)
{
    struct cohort_listening *listening = coh_listening_new(self, settings);
    struct coh_listening_answer answer = {
        .policy = COHORT_POLICY_REUSEPORT, /* we accept, nobody else */
        .fd = fd,
    };
    int result =
        listening == NULL ? -ENOMEM : coh_addr_of_socket(fd, &answer.bound);

    if (self->state != COH_SELF_STAYING) {
        result = -EPIPE; /* it would be waited for, and nobody would close it */
    }
    if (result < 0) {
        close(fd);
        if (listening != NULL) {
            coh_listening_free(listening);
        }
        return result;
    }
    listening->query = *query;
    listening->is_own = true;
    listening->is_answered = true;
    listening->is_untold = true;
    coh_listening_start(listening, &answer);
    coh_self_turn(self);
    if (made != NULL) {
        *made = listening;
    }
    return 0;
}

static int
listen_exclusively(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings,
    const struct coh_query *query, struct cohort_listening **made)
{
    const struct coh_listen_request request = {
        .address = query->address,
        .options = query->options,
    };
    bool shares_port = query->options.policy == COHORT_POLICY_REUSEPORT;
    char why[COH_LISTENER_WHY_MAX];
    int fd;

    if (self->state != COH_SELF_STAYING) {
        return -EPIPE; /* nobody sees a socket that would be closed at once */
    }
    fd = query->is_udp ? coh_site_open_udp(query, shares_port, why)
                       : coh_socket_open(&request, shares_port, why);
    if (fd < 0) {
        cohort_error(self->self.log, "%s", why);
        return fd;
    }
    return listen_alone(self, settings, query, fd, made);
}

static const struct cohort_listen_settings no_settings;

int
cohort_self_listen(
    struct cohort_self *base, const char *address,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening)
{
    struct coh_cluster_self *self = coh_cluster_self_of(base);
    struct coh_query query;
    const char *why;
    int result;

    if (!base->is_member) {
        return -EOPNOTSUPP;
    }
    if (settings == NULL) {
        settings = &no_settings;
    }
    result = coh_query_parse(address, settings, &query, &why);
    if (result < 0) {
        cohort_error(self->self.log, "%s in \"%s\"", why, address);
        return result;
    }
    if (settings->is_exclusive) {
        return listen_exclusively(self, settings, &query, listening);
    }
    number_ordinal(self, &query);
    return coh_listening_ask(self, settings, &query, listening);
}

int
cohort_self_listen_fd(
    struct cohort_self *base, int primary_fd,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening)
{
    struct coh_query query = {.fd = primary_fd};

    if (!base->is_member) {
        return -EOPNOTSUPP;
    }
    if (primary_fd < 0) {
        return -EINVAL;
    }
    if (settings == NULL) {
        settings = &no_settings;
    }
    query.is_udp = settings->is_udp;
    query.options = settings->socket;
    return coh_listening_ask(
        coh_cluster_self_of(base), settings, &query, listening);
}

/* Listen, where the socket is of a kind that does. */
static int
begin(int socket, const struct cohort_listen_settings *settings)
{
    int backlog = settings->socket.backlog > 0 ? settings->socket.backlog
                                               : COH_LISTENER_BACKLOG;
    int type = 0;
    socklen_t size = sizeof(type);

    if (!settings->is_udp) {
        return listen(socket, backlog) < 0 ? -errno : 0;
    }
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) < 0) {
        return -errno;
    }
    return type == SOCK_DGRAM ? 0 : -EINVAL;
}

int
cohort_self_listen_adopt(
    struct cohort_self *base, int socket,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening)
{
    struct coh_query query = {.fd = -1, .has_host = true};
    int result;

    if (settings == NULL) {
        settings = &no_settings;
    }
    query.is_udp = settings->is_udp;
    result = base->is_member ? begin(socket, settings) : -EOPNOTSUPP;
    if (result == 0) {
        result = coh_fd_set_nonblocking(socket, true);
    }
    if (result < 0) {
        close(socket);
        return result;
    }
    coh_fd_set_cloexec(socket, true);
    return listen_alone(
        coh_cluster_self_of(base), settings, &query, socket, listening);
}
