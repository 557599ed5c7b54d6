/* Where a generation serves, in words. */
#include <stdarg.h>
#include <stdio.h>

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"

struct text {
    char *data;
    size_t size;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(
        text->data + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    text->used += size < 0 ? 0 : (size_t)size;
    if (text->used >= text->size) {
        text->used = text->size - 1;
    }
}

static void
describe_addresses(const struct coh_generation *generation, struct text *out)
{
    char address[COH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < generation->request_count; i++) {
        if (out->used + COH_ADDR_TEXT_MAX + 32 > out->size) {
            add(out, ", ...");
            break;
        }
        add(out, "%s%s", i ? ", " : "on ",
            coh_addr_format(&generation->requests[i].address, address));
    }
    add(out, " with %u worker%s", generation->target,
        generation->target == 1 ? "" : "s");
}

void
coh_generation_describe(
    const struct coh_generation *generation, char *out, size_t size)
{
    struct text text = {out, size, 0};

    out[0] = '\0';
    if (generation->request_count > 0 || generation->group_count == 0) {
        describe_addresses(generation, &text);
    }
    for (size_t i = 0; i < generation->group_count; i++) {
        add(&text, "%sgroup %s with %u", text.used > 0 ? ", " : "",
            generation->groups[i]->name, generation->groups[i]->target);
    }
}
