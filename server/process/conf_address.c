/* "port", "address:port", "unix:path". */
#include "server/process/conf_address.h"

#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "server/process/load.h"

int
coh_conf_address(
    struct cohort_conf *conf, const char *kind, uint16_t default_port,
    struct coh_addr *address)
{
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    struct cohort_str text = cohort_conf_arg(conf, 0);
    const char *why = "";

    if (coh_str_starts_with(text, COH_STR("unix:")) &&
        text.size > strlen("unix:")) {
        struct cohort_str path = cohort_conf_prefix_path(
            conf, cohort_str(text.data + strlen("unix:")));

        text = cohort_str(coh_arena_printf(load->arena, "unix:%s", path.data));
    }
    if (coh_addr_parse(text, default_port, address, &why) < 0) {
        return cohort_conf_error_at(
            conf, 0,
            "%s in the %s \"%s\"\nwrite a port, address:port or "
            "unix:/path",
            why, kind, cohort_conf_arg(conf, 0).data);
    }
    return 0;
}
