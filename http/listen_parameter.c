/* The parameters of listen: how the sockets of an address are made. */
#include "http/listen_parameter.h"

#include <errno.h>

#include "core/str.h"

/* A parameter: "name" or "name=value". */
struct parameter {
    const char *name; /* with "=" if it has a value */
    int (*read)(
        struct cohort_conf *conf, size_t arg, struct cohort_str value,
        struct coh_listen *listen);
};

static int
invalid(struct cohort_conf *conf, size_t arg, const char *how)
{
    return cohort_conf_error_at(
        conf, arg, "invalid parameter \"%s\"\nwrite %s",
        cohort_conf_arg(conf, arg).data, how);
}

static int
read_default(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)conf;
    (void)arg;
    (void)value;
    listen->is_default = true;
    return 0;
}

static int
read_bind(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)conf;
    (void)arg;
    (void)value;
    listen->has_options = true;
    return 0;
}

static int
read_number(
    struct cohort_conf *conf, size_t arg, struct cohort_str value, int *number)
{
    uint64_t wide;

    if (cohort_parse_number(value, INT32_MAX, &wide) < 0 || wide == 0) {
        return invalid(conf, arg, "a number above 0");
    }
    *number = (int)wide;
    return 0;
}

static int
read_size(
    struct cohort_conf *conf, size_t arg, struct cohort_str value, int *bytes)
{
    uint64_t wide;

    if (cohort_parse_size(value, false, &wide) < 0 || wide == 0 ||
        wide > INT32_MAX) {
        return invalid(conf, arg, "a size: 64k");
    }
    *bytes = (int)wide;
    return 0;
}

static int
read_backlog(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    listen->has_options = true;
    return read_number(conf, arg, value, &listen->options.backlog);
}

static int
read_rcvbuf(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    listen->has_options = true;
    return read_size(conf, arg, value, &listen->options.rcvbuf);
}

static int
read_sndbuf(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    listen->has_options = true;
    return read_size(conf, arg, value, &listen->options.sndbuf);
}

static int
read_fastopen(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    listen->has_options = true;
    return read_number(conf, arg, value, &listen->options.fastopen);
}

static int
read_deferred(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)conf;
    (void)arg;
    (void)value;
    listen->has_options = true;
    listen->options.deferred = true;
    return 0;
}

static int
read_ipv6only(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    listen->has_options = true;
    listen->has_ipv6only = true;
    return cohort_parse_flag(value, &listen->options.ipv6only) < 0
        ? invalid(conf, arg, "ipv6only=on or ipv6only=off")
        : 0;
}

/* The part up to the next ":" or the end; *rest moves behind it. */
static struct cohort_str
next_part(struct cohort_str *rest)
{
    ssize_t colon = coh_str_index(*rest, ':');
    struct cohort_str part = *rest;

    if (colon >= 0) {
        part = coh_str_cut(*rest, 0, (size_t)colon);
        *rest = coh_str_from(*rest, (size_t)colon + 1);
    } else {
        *rest = cohort_str_n("", 0);
    }
    return part;
}

/* Seconds; "" leaves what is there. */
static int
read_seconds(struct cohort_str text, int *seconds)
{
    uint64_t ms;

    if (text.size == 0) {
        return 0;
    }
    if (cohort_parse_time_ms(text, &ms) < 0 || ms < 1000 ||
        ms / 1000 > INT16_MAX) {
        return -EINVAL;
    }
    *seconds = (int)(ms / 1000);
    return 0;
}

/* on, off, or IDLE:INTERVAL:COUNT, each of which may be missing. */
static int
read_keepalive(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    struct cohort_listen_options *options = &listen->options;
    struct cohort_str rest = value;
    struct cohort_str count;
    uint64_t probes = 0;

    listen->has_options = true;
    options->keepalive = coh_str_is(value, "off") ? -1 : 1;
    if (coh_str_is(value, "on") || coh_str_is(value, "off")) {
        return 0;
    }
    if (coh_str_index(value, ':') < 0 ||
        read_seconds(next_part(&rest), &options->keepalive_idle_s) < 0 ||
        read_seconds(next_part(&rest), &options->keepalive_interval_s) < 0) {
        return invalid(conf, arg, "on, off, or idle:interval:count: 30m::10");
    }
    count = next_part(&rest);
    if (rest.size > 0 ||
        (count.size > 0 && cohort_parse_number(count, 127, &probes) < 0)) {
        return invalid(conf, arg, "on, off, or idle:interval:count: 30m::10");
    }
    options->keepalive_count = (int)probes;
    return 0;
}

static int
read_reuseport(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)conf;
    (void)arg;
    (void)value;
    listen->has_options = true;
    listen->options.policy = COHORT_POLICY_REUSEPORT;
    return 0;
}

static int
read_policy(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    static const struct cohort_conf_choice policies[] = {
        {"round_robin", COHORT_POLICY_ROUND_ROBIN},
        {"least_conn", COHORT_POLICY_LEAST_CONN},
        {"shared", COHORT_POLICY_SHARED},
        {"reuseport", COHORT_POLICY_REUSEPORT},
        {NULL, 0},
    };
    size_t i;

    for (i = 0; policies[i].name; i++) {
        if (coh_str_is(value, policies[i].name)) {
            listen->has_options = true;
            listen->options.policy = (enum cohort_policy)policies[i].value;
            return 0;
        }
    }
    return invalid(
        conf, arg,
        "policy=round_robin, policy=least_conn, policy=shared or "
        "policy=reuseport");
}

static int
refuse_tls(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)value;
    (void)listen;
    return cohort_conf_error_at(
        conf, arg,
        "\"%s\" needs TLS, which is not built into this version\nlisten "
        "without it, behind something that speaks TLS",
        cohort_conf_arg(conf, arg).data);
}

static int
refuse_protocol(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)value;
    (void)listen;
    return cohort_conf_error_at(
        conf, arg, "\"%s\" is not built into this version\nlisten without it",
        cohort_conf_arg(conf, arg).data);
}

static int
refuse_system(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_listen *listen)
{
    (void)value;
    (void)listen;
    return cohort_conf_error_at(
        conf, arg, "\"%s\" is not supported on this platform",
        cohort_conf_arg(conf, arg).data);
}

static const struct parameter parameters[] = {
    {"default_server", read_default},
    {"default", read_default},
    {"bind", read_bind},
    {"backlog=", read_backlog},
    {"rcvbuf=", read_rcvbuf},
    {"sndbuf=", read_sndbuf},
    {"fastopen=", read_fastopen},
    {"deferred", read_deferred},
    {"ipv6only=", read_ipv6only},
    {"so_keepalive=", read_keepalive},
    {"reuseport", read_reuseport},
    {"policy=", read_policy},
    {"ssl", refuse_tls},
    {"quic", refuse_tls},
    {"http2", refuse_protocol},
    {"proxy_protocol", refuse_protocol},
    {"setfib=", refuse_system},
    {"accept_filter=", refuse_system},
};

int
coh_listen_read_parameter(
    struct cohort_conf *conf, size_t arg, struct coh_listen *listen)
{
    struct cohort_str text = cohort_conf_arg(conf, arg);
    size_t i;

    for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        struct cohort_str name = cohort_str(parameters[i].name);

        if (coh_str_ends_with(name, COH_STR("="))
                ? coh_str_starts_with(text, name)
                : coh_str_equal(text, name)) {
            return parameters[i].read(
                conf, arg, coh_str_from(text, name.size), listen);
        }
    }
    return cohort_conf_error_at(
        conf, arg,
        "invalid parameter \"%s\"\ncohort -h listen shows which there are",
        text.data);
}
