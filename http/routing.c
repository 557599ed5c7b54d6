/* Routing in the life of the service: what load(), start(), reopen() and stop()
   do for servers, locations, logs and files. */
#include "http/address.h"
#include "http/file_cache.h"
#include "http/file_name.h"
#include "http/location.h"
#include "http/log_sink.h"
#include "http/plan.h"
#include "http/registry.h"
#include "http/request_limits.h"
#include "http/service.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* Of unix sockets, whatever our umask: clients are often other users'
   processes. Who may not connect, may not enter the folder. */
#define UNIX_MODE 0666

/* Each connection will come with the address that it came to. */
static int
declare_listeners(struct coh_http_block *block, struct cohort_load *load)
{
    struct coh_address *address;

    for (address = block->addresses; address; address = address->next) {
        struct cohort_listen_options options = address->options;
        int result;

        if (address->addr.u.any.sa_family == AF_UNIX) {
            options.mode = UNIX_MODE;
        }
        result = cohort_load_listen(
            load, &address->addr.u.any, address->addr.size, &options, address);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int
coh_routing_load(
    struct coh_http *http, struct cohort_load *load, void *const *settings,
    void *user)
{
    struct coh_http_block *block = coh_http_block(settings);
    struct coh_virtual_server *server;
    int result;

    (void)user;
    http->routing = block;
    if (!block) {
        return 0;
    }
    for (server = block->servers; server; server = server->next) {
        uint64_t head_max =
            coh_request_head_max(coh_client_settings(server->settings));

        coh_plan_make(http->arena, server->root);
        if (head_max > http->head_max) {
            http->head_max = head_max;
        }
    }
    coh_file_folders_load(block->folders, load);
    result = declare_listeners(block, load);
    return result < 0 ? result : coh_log_sinks_load(block->log_sinks, load);
}

int
coh_routing_start(struct coh_http *http)
{
    struct coh_http_block *block = http->routing;

    if (!block) {
        return 0;
    }
    block->file_cache = coh_file_cache_new(http->loop);
    return coh_log_sinks_start(
        block->log_sinks, http->loop, http->log,
        &http->counters[COH_COUNT_LOG_LINES_DROPPED]);
}

void
coh_routing_reopen(struct coh_http *http, bool is_before)
{
    struct coh_http_block *block = http->routing;

    if (block) {
        coh_log_sinks_reopen(block->log_sinks, is_before);
    }
}

void
coh_routing_stop(struct coh_http *http)
{
    struct coh_http_block *block = http->routing;

    if (block) {
        coh_log_sinks_stop(block->log_sinks);
        coh_file_cache_free(block->file_cache);
        block->file_cache = NULL;
    }
}

/* Everything that load made lives in arenas of the generation. */
void
coh_routing_unload(struct coh_http *http)
{
    http->routing = NULL;
}
