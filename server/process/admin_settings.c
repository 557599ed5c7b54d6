/* The admin directive: where the admin service listens, and who may use it. */
#include "server/process/admin_settings.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include <cohort/conf.h>

#include "core/arena.h"
#include "core/path.h"
#include "server/process/conf_address.h"
#include "server/process/load.h"

#define MODE_ALONE 0600
#define MODE_WITH_GROUP 0660
#define PORT 9145 /* of an address that names none */

/* --- parameters ----------------------------------------------------------- */

static int
set_mode(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_admin_address *made)
{
    unsigned mode = 0;

    if (value.size < 3 || value.size > 4) {
        value.size = 0;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '7') {
            value.size = 0;
        } else {
            mode = 8 * mode + (unsigned)(value.data[i] - '0');
        }
    }
    if (value.size == 0 || mode > 0777) {
        return cohort_conf_error_at(
            conf, arg, "\"mode\" takes permissions as 0600 or 0660");
    }
    made->mode = mode;
    return 0;
}

static int
set_owner(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_admin_address *made)
{
    uint64_t number;
    const struct passwd *found = getpwnam(value.data);

    if (found) {
        made->owner = found->pw_uid;
        return 0;
    }
    if (cohort_parse_number(value, UINT32_MAX - 1, &number) < 0) {
        return cohort_conf_error_at(
            conf, arg, "unknown user \"%s\": create it or name another",
            value.data);
    }
    made->owner = (uid_t)number;
    return 0;
}

static int
set_group(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_admin_address *made)
{
    uint64_t number;
    const struct group *found = getgrnam(value.data);

    if (found) {
        made->group = found->gr_gid;
        return 0;
    }
    if (cohort_parse_number(value, UINT32_MAX - 1, &number) < 0) {
        return cohort_conf_error_at(
            conf, arg, "unknown group \"%s\": create it or name another",
            value.data);
    }
    made->group = (gid_t)number;
    return 0;
}

static int
set_read_only(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_admin_address *made)
{
    (void)conf;
    (void)arg;
    (void)value;
    made->is_read_only = true;
    return 0;
}

static const struct {
    const char *name; /* one that ends with "=" takes a value */
    int (*set)(
        struct cohort_conf *conf, size_t arg, struct cohort_str value,
        struct coh_admin_address *made);
} parameters[] = {
    {"mode=", set_mode},
    {"owner=", set_owner},
    {"group=", set_group},
    {"read_only", set_read_only},
};

static int
set_parameter(
    struct cohort_conf *conf, size_t arg, struct coh_admin_address *made)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);

    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        const char *name = parameters[i].name;
        size_t size = strlen(name);
        bool has_value = name[size - 1] == '=';

        if (has_value ? strncmp(word.data, name, size) == 0
                      : strcmp(word.data, name) == 0) {
            return parameters[i].set(
                conf, arg, cohort_str_n(word.data + size, word.size - size),
                made);
        }
    }
    return cohort_conf_error_at(
        conf, arg,
        "unknown parameter \"%s\": an admin address takes mode=, owner=, "
        "group= and read_only",
        word.data);
}

/* --- addresses ------------------------------------------------------------ */

static int
check_address(struct cohort_conf *conf, const struct coh_admin_address *made)
{
    bool is_unix = made->address.u.any.sa_family == AF_UNIX;

    if (!is_unix && !made->is_read_only) {
        return cohort_conf_error(
            conf,
            "an admin address outside of this machine's files must be "
            "read_only\nanybody who can connect could stop the server; add "
            "read_only, or listen on unix:PATH");
    }
    if (!is_unix &&
        (made->mode != 0 || made->owner != COH_ADMIN_NOBODY ||
         made->group != COH_ADMIN_NOBODY)) {
        return cohort_conf_error(
            conf, "mode, owner and group are for unix: addresses");
    }
    return 0;
}

static int
set_admin(struct cohort_conf *conf, void *settings)
{
    struct coh_admin_settings *made = settings;
    struct coh_admin_address *address = &made->addresses[made->count];
    size_t count = cohort_conf_arg_count(conf);
    int result;

    if (cohort_conf_arg_is(conf, 0, "off") && count == 1) {
        made->is_off = true;
        return 0;
    }
    if (made->count == COH_ADMIN_ADDRESSES_MAX) {
        return cohort_conf_error(
            conf, "more than %d admin addresses", COH_ADMIN_ADDRESSES_MAX);
    }
    *address = (struct coh_admin_address){
        .owner = COH_ADMIN_NOBODY, .group = COH_ADMIN_NOBODY};
    result = coh_conf_address(conf, "admin address", PORT, &address->address);
    for (size_t i = 1; i < count; i++) {
        if (set_parameter(conf, i, address) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    if (result == 0) {
        result = check_address(conf, address);
    }
    if (address->mode == 0) {
        address->mode =
            address->group == COH_ADMIN_NOBODY ? MODE_ALONE : MODE_WITH_GROUP;
    }
    made->count += result == 0 ? 1 : 0;
    return result;
}

/* --- what nobody said ----------------------------------------------------- */

/* A program of its own has a socket only if it asks for one: several of them
   may run in one folder. */
static const char *
default_path(const struct cohort_load *load)
{
    const struct coh_options *options = load->options;

    if (options->text_pid_path) {
        return coh_path_join(
            load->arena, coh_path_folder(load->arena, options->text_pid_path),
            cohort_str(COH_ADMIN_SOCKET_NAME));
    }
    return options->file
        ? coh_path_join(
              load->arena, options->prefix, cohort_str(COH_ADMIN_SOCKET_PATH))
        : NULL;
}

static void
add_default(struct cohort_conf *conf, struct coh_admin_settings *made)
{
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    struct coh_admin_address *address = &made->addresses[made->count];
    const char *path = default_path(load);
    const char *why = "";

    if (!path || made->count == COH_ADMIN_ADDRESSES_MAX) {
        return;
    }
    *address = (struct coh_admin_address){
        .mode = MODE_ALONE,
        .owner = COH_ADMIN_NOBODY,
        .group = COH_ADMIN_NOBODY,
        .is_default = true,
    };
    if (coh_addr_parse(
            cohort_str(coh_arena_printf(load->arena, "unix:%s", path)), 0,
            &address->address, &why) < 0) {
        cohort_conf_warn(
            conf,
            "no admin socket: %s in its address \"unix:%s\"\nset \"admin\"",
            why, path);
        return;
    }
    made->count++;
}

static int
finish_settings(struct cohort_conf *conf, void *settings, const void *parent)
{
    struct coh_admin_settings *made = settings;

    (void)parent;
    if (made->is_off && made->count > 0) {
        return cohort_conf_error_for(
            conf, "admin", "\"admin off\" stands beside an admin address");
    }
    if (!made->is_off && !coh_admin_door(made)) {
        add_default(conf, made);
    }
    return 0;
}

const struct coh_admin_settings *
coh_admin_settings_of(void *const *settings)
{
    return settings[coh_admin_module.index];
}

const struct coh_admin_address *
coh_admin_door(const struct coh_admin_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (!settings->addresses[i].is_read_only) {
            return &settings->addresses[i];
        }
    }
    return NULL;
}

static const struct cohort_directive directives[] = {
    {
        .name = "admin",
        .usage = "unix:path [mode=0600] [owner=user] [group=group] [read_only] "
                 "| address read_only | off",
        .help = "Where the admin service listens; read_only: metrics and "
                "probes alone.",
        .default_value = "unix:" COH_ADMIN_SOCKET_PATH,
        .where = COHORT_IN_MAIN,
        .args = {1, 5},
        .kind = COHORT_KIND_ADD,
        .set = set_admin,
    },
    {.name = NULL},
};

struct cohort_module coh_admin_module = {
    .api = COHORT_MODULE_API,
    .name = "admin",
    .directives = directives,
    .settings_size = sizeof(struct coh_admin_settings),
    .settings_in = COHORT_IN_MAIN,
    .finish = finish_settings,
};
