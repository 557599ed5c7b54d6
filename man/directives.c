/* Prints the directives' part of cohort.conf(5), from the directive tables. */
#include "conf/explain.h"
#include "core/arena.h"
#include "http/service.h"
#include "server/modules.h"

int
main(void)
{
    struct coh_arena *arena = coh_arena_new(4096);

    coh_conf_explain_mdoc(stdout, coh_modules_list(arena, &coh_http_service));
    coh_arena_free(arena);
    return 0;
}
