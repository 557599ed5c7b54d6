/* What must fit together in a worker_group, and why. */
#include <errno.h>

#include <cohort/conf.h>

#include "server/process/group.h"

static int
check_exec(struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    if (settings->exec.count == 0) {
        return cohort_conf_error(
            conf,
            "the worker group \"%s\" has no \"exec\"\nsay which program its "
            "workers run: exec node server.js;",
            cohort_conf_arg(conf, 0).data);
    }
    return 0;
}

static int
check_node(struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    int result = 0;

    if (settings->serialization == COHORT_SERIALIZATION_BINARY) {
        result = cohort_conf_error_for(
            conf, "serialization",
            "\"serialization advanced\" cannot be with \"protocol node\"\nit "
            "is the format of V8, which changes with it; json does for Node "
            "programs");
    }
    if (settings->policy == COHORT_POLICY_LEAST_CONN) {
        result = cohort_conf_error_for(
            conf, "scheduling_policy",
            "\"least_conn\" cannot be with \"protocol node\"\nNode programs do "
            "not tell how many connections they have open; round_robin gives "
            "each worker the next one when it has taken the last");
    }
    if (settings->policy == COHORT_POLICY_REUSEPORT) {
        result = cohort_conf_error_for(
            conf, "scheduling_policy",
            "\"reuseport\" cannot be with \"protocol node\"\nNode programs "
            "share one socket, they know of none of their own; shared lets "
            "them accept by themselves");
    }
    if (settings->policy == COHORT_POLICY_SHARED &&
        coh_upkeep_here(conf)->max_requests > 0) {
        result = cohort_conf_error_for(
            conf, "max_requests",
            "\"max_requests\" cannot be with \"protocol node\" and "
            "\"scheduling_policy shared\"\nNode programs accept by themselves "
            "then, and tell nobody how often; round_robin counts, and max_age "
            "and max_rss need no count");
    }
    return result;
}

static int
check_listen_fds(
    struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    int result = 0;

    if (settings->listens.count == 0) {
        result = cohort_conf_error(
            conf,
            "the worker group \"%s\" has no \"listen\"\nprograms with "
            "\"protocol listen_fds\" serve the sockets that they are given: "
            "listen 127.0.0.1:3000;",
            cohort_conf_arg(conf, 0).data);
    }
    if (settings->policy != COHORT_POLICY_DEFAULT &&
        settings->policy != COHORT_POLICY_SHARED) {
        result = cohort_conf_error_for(
            conf, "scheduling_policy",
            "this policy cannot be with \"protocol listen_fds\"\nthe programs "
            "accept by themselves, all from one socket, which is \"shared\"");
    }
    if (settings->stdio.count != 0 && settings->stdio.count != 3) {
        result = cohort_conf_error_for(
            conf, "stdio",
            "\"stdio\" takes three entries with \"protocol "
            "listen_fds\"\nthe sockets begin at descriptor 3");
    }
    if (coh_upkeep_here(conf)->max_requests > 0) {
        result = cohort_conf_error_for(
            conf, "max_requests",
            "\"max_requests\" cannot be with \"protocol listen_fds\"\nthe "
            "programs accept by themselves and tell nobody how often; max_age "
            "and max_rss need no count");
    }
    return result;
}

static int
check_listens(
    struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    if (settings->listens.count > 0) {
        return cohort_conf_error_for(
            conf, "listen",
            "\"listen\" in a worker_group is for \"protocol "
            "listen_fds\"\nother programs ask for their addresses "
            "themselves");
    }
    return 0;
}

static int
check_stdio(struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    bool is_silent = settings->protocol == COHORT_PROTOCOL_LISTEN_FDS;
    unsigned channels = 0;

    for (size_t i = 0; i < settings->stdio.count; i++) {
        channels += settings->stdio.items[i].kind == COHORT_STDIO_IPC;
    }
    if (is_silent && channels > 0) {
        return cohort_conf_error_for(
            conf, "stdio",
            "\"ipc\" cannot be with \"protocol listen_fds\"\nthere is no "
            "channel");
    }
    if (settings->stdio.count > 0 && !is_silent && channels != 1) {
        return cohort_conf_error_for(
            conf, "stdio",
            "\"stdio\" needs one entry ipc, and has %u\nit is the channel "
            "between worker and primary: stdio inherit inherit inherit ipc;",
            channels);
    }
    return 0;
}

static int
check_processes(struct cohort_conf *conf)
{
    const struct coh_settings *main_settings =
        cohort_conf_settings_of(conf, &coh_settings_module);

    if (!main_settings->has_primary) {
        return cohort_conf_error(
            conf,
            "worker groups need a primary\nleave out \"master_process off\"");
    }
    return 0;
}

int
coh_group_check(
    struct cohort_conf *conf, const struct coh_group_settings *settings)
{
    int result = check_exec(conf, settings);

    if (check_stdio(conf, settings) < 0 || check_processes(conf) < 0) {
        result = -EINVAL;
    }
    if (settings->protocol == COHORT_PROTOCOL_LISTEN_FDS
            ? check_listen_fds(conf, settings) < 0
            : check_listens(conf, settings) < 0) {
        result = -EINVAL;
    }
    if (settings->protocol == COHORT_PROTOCOL_NODE &&
        check_node(conf, settings) < 0) {
        result = -EINVAL;
    }
    return result;
}
