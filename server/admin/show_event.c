/* Events as lines for people. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "server/admin/show.h"

static void
show_group(const char *group)
{
    if (group[0] && strcmp(group, "main") != 0) {
        printf(" of %s", group);
    }
}

static void
show_exit(const struct coh_json *event)
{
    if (coh_show_number(event, "signal") > 0) {
        printf(" by signal %" PRId64, coh_show_number(event, "signal"));
    } else if (coh_json_member(event, "code")) {
        printf(" with code %" PRId64, coh_show_number(event, "code"));
    }
    if (coh_json_member(event, "reason")) {
        printf(" (%s)", coh_show_text(event, "reason"));
    }
}

/* As it came but for blanks; a long one by its size. */
static void
show_message(const struct coh_json *event)
{
    const struct coh_json *message = coh_json_member(event, "message");
    char text[1024];
    ssize_t size = coh_json_write(message, text, sizeof(text));

    if (size >= 0) {
        printf(", ");
        coh_show_clean(cohort_str_n(text, (size_t)size));
    } else if (coh_json_member(event, "size")) {
        printf(", %" PRId64 " bytes", coh_show_number(event, "size"));
    }
}

void
coh_show_event(const struct coh_json *event)
{
    printf(
        "%6" PRId64 " %s %-17s", coh_show_number(event, "seq"),
        coh_show_text(event, "time"), coh_show_text(event, "event"));
    if (coh_json_member(event, "worker")) {
        printf(
            " worker %" PRId64 ", process %" PRId64,
            coh_show_number(event, "worker"), coh_show_number(event, "pid"));
        show_group(coh_show_text(event, "group"));
    } else if (coh_json_member(event, "generation")) {
        printf(" generation %" PRId64, coh_show_number(event, "generation"));
    }
    show_exit(event);
    if (coh_json_member(event, "delay_ms")) {
        printf(", next in %" PRId64 " ms", coh_show_number(event, "delay_ms"));
    }
    if (coh_json_member(event, "count")) {
        printf(
            ", %" PRId64 " %s", coh_show_number(event, "count"),
            strcmp(coh_show_text(event, "event"), "lost") == 0
                ? "events are gone"
                : "connections");
    }
    if (coh_json_member(event, "address")) {
        printf(", ");
        coh_show_clean(cohort_str(coh_show_text(event, "address")));
    }
    show_message(event);
    if (coh_json_member(event, "text")) {
        bool has_subject = coh_json_member(event, "worker") ||
            coh_json_member(event, "generation");

        printf(has_subject ? ": " : " ");
        coh_show_clean(cohort_str(coh_show_text(event, "text")));
    }
    printf("\n");
    fflush(stdout);
}
