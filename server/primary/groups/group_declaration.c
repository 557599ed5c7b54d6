/* A frame becomes settings: numbers are checked, texts are counted, nothing is
   looked up. */
#include "server/primary/groups/group_declaration.h"

#include <string.h>

#include "core/arena.h"
#include "server/accept/listen_options.h"

#define BLOCK_SIZE 4096

/* Texts that are still to be read; next is NULL when there were too few. */
struct reader {
    const char *next;
    const char *end;
};

static const char *
take_text(struct reader *reader)
{
    const char *text = reader->next;
    const char *nul =
        text ? memchr(text, '\0', (size_t)(reader->end - text)) : NULL;

    reader->next = nul ? nul + 1 : NULL;
    return nul ? text : NULL;
}

/* NULL when there are too few. */
static const char *const *
take_texts(struct coh_arena *arena, struct reader *reader, uint32_t count)
{
    const char **texts;

    if (!reader->next || count > (size_t)(reader->end - reader->next)) {
        reader->next = NULL;
        return NULL;
    }
    texts = coh_arena_alloc(arena, (count + 1) * sizeof(*texts));
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = take_text(reader);
    }
    return texts;
}

/* --- settings ------------------------------------------------------------- */

static const char *
number_text(struct coh_arena *arena, uint32_t number)
{
    return coh_arena_printf(arena, "%u", (unsigned)number);
}

/* By number: names were looked up by the template. */
static void
set_identity(
    struct coh_arena *arena, const struct coh_frame_group *frame,
    struct cohort_settings *settings)
{
    const char **groups;

    if (!frame->has_identity) {
        return;
    }
    groups = coh_arena_alloc(arena, (frame->group_count + 1) * sizeof(*groups));
    for (uint32_t i = 0; i < frame->group_count; i++) {
        groups[i] = number_text(arena, frame->groups[i]);
    }
    settings->user = number_text(arena, frame->user);
    settings->group = number_text(arena, frame->group);
    settings->groups = groups;
}

static void
set_stdio(struct coh_group_declaration *declaration, const char *const *paths)
{
    const struct coh_frame_group *frame = declaration->frame;
    struct cohort_stdio *stdio = coh_arena_alloc(
        declaration->arena, (frame->stdio_count + 1) * sizeof(*stdio));

    for (uint32_t i = 0; i < frame->stdio_count; i++) {
        stdio[i] = (struct cohort_stdio){
            .kind = (enum cohort_stdio_kind)frame->stdio[i],
            .fd = -1,
            .path = paths[i],
        };
    }
    declaration->settings.stdio = stdio;
    declaration->settings.stdio_count = frame->stdio_count;
}

static bool
read_texts(struct coh_group_declaration *declaration)
{
    const struct coh_frame_group *frame = declaration->frame;
    struct coh_arena *arena = declaration->arena;
    struct cohort_settings *settings = &declaration->settings;
    struct reader reader = {
        declaration->texts, declaration->texts + declaration->texts_size};
    const char *const *paths;

    declaration->name = take_text(&reader);
    settings->exec = take_text(&reader);
    settings->cwd = take_text(&reader);
    settings->exec_args = take_texts(arena, &reader, frame->exec_arg_count);
    settings->args = take_texts(arena, &reader, frame->arg_count);
    settings->environment = take_texts(arena, &reader, frame->variable_count);
    paths = take_texts(arena, &reader, frame->stdio_count);
    declaration->listen_names = take_texts(arena, &reader, frame->listen_count);
    if (!reader.next || reader.next != reader.end) {
        return false;
    }
    set_stdio(declaration, paths);
    return true;
}

static void
set_choices(
    const struct coh_frame_group *frame, struct cohort_settings *settings)
{
    settings->protocol = (enum cohort_protocol)frame->protocol;
    settings->serialization = (enum cohort_serialization)frame->serialization;
    settings->silent = frame->is_silent ? COHORT_YES : COHORT_NO;
    settings->inspect_port =
        frame->inspect_port ? (int)frame->inspect_port : -1;
    settings->watchdog_ms =
        frame->upkeep.watchdog_ms > 0 ? (int)frame->upkeep.watchdog_ms : -1;
}

/* --- making --------------------------------------------------------------- */

static bool
is_listen_fine(const struct coh_frame_group *frame, uint32_t index)
{
    struct coh_addr address = {.size = frame->listens[index].address_size};

    if (address.size > sizeof(address.u)) {
        return false;
    }
    memcpy(&address.u, &frame->listens[index].address, address.size);
    return coh_addr_is_valid(&address) &&
        coh_listen_options_are_valid(&frame->listens[index].options);
}

/* What is a choice is checked by coh_cluster_settings_make. */
static bool
can_be(const struct coh_frame_group *frame)
{
    bool is_fine = frame->processes > 0 &&
        frame->processes <= COH_GROUP_PROCESSES_MAX &&
        frame->policy <= COHORT_POLICY_REUSEPORT &&
        frame->respawn <= COH_GROUP_RESPAWN_ALWAYS &&
        frame->inspect_port <= UINT16_MAX &&
        frame->group_count <= COH_GROUPS_MAX &&
        frame->stdio_count <= COHORT_STDIO_MAX &&
        frame->listen_count <= COH_GROUP_LISTENS_MAX;

    for (uint32_t i = 0; is_fine && i < frame->listen_count; i++) {
        is_fine = is_listen_fine(frame, i);
    }
    return is_fine;
}

static bool
is_good_name(const struct coh_group_declaration *declaration)
{
    size_t size = strlen(declaration->name);

    return size > 0 && size <= COH_GROUP_NAME_MAX &&
        declaration->settings.exec[0] != '\0';
}

struct coh_group_declaration *
coh_group_declaration_new(const void *data, size_t size)
{
    struct coh_arena *arena = coh_arena_new(BLOCK_SIZE);
    struct coh_group_declaration *made = coh_arena_alloc(arena, sizeof(*made));

    made->arena = arena;
    made->frame = coh_arena_copy(arena, data, sizeof(*made->frame));
    made->texts_size = size - sizeof(*made->frame);
    made->texts = coh_arena_copy(
        arena, (const char *)data + sizeof(*made->frame), made->texts_size);
    if (!can_be(made->frame) || !read_texts(made) || !is_good_name(made)) {
        coh_arena_free(arena);
        return NULL;
    }
    set_identity(arena, made->frame, &made->settings);
    set_choices(made->frame, &made->settings);
    return made;
}

void
coh_group_declaration_free(struct coh_group_declaration *declaration)
{
    if (declaration) {
        coh_arena_free(declaration->arena);
    }
}

bool
coh_group_declaration_is_same(
    const struct coh_group_declaration *one,
    const struct coh_group_declaration *other)
{
    struct coh_frame_group heads[] = {*one->frame, *other->frame};
    /* Byte by byte: whoever filled them in has zeroed the padding before. */
    const void *bytes[] = {&heads[0], &heads[1]};

    heads[0].processes = heads[1].processes;
    return one->texts_size == other->texts_size &&
        memcmp(one->texts, other->texts, one->texts_size) == 0 &&
        memcmp(bytes[0], bytes[1], sizeof(heads[0])) == 0;
}
