/* A worker group, put into a frame. */
#include "server/process/report_group.h"

#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "server/process/frames.h"
#include "server/process/load.h"
#include "server/process/report.h"

/* The texts behind the head. */
struct texts {
    char *data;
    size_t size;
    bool is_full;
};

static void
add_text(struct texts *texts, struct cohort_str text)
{
    if (text.size + 1 > COH_FRAME_GROUP_TEXTS_MAX - texts->size) {
        texts->is_full = true;
        return;
    }
    if (text.size > 0) {
        memcpy(texts->data + texts->size, text.data, text.size);
    }
    texts->data[texts->size + text.size] = '\0';
    texts->size += text.size + 1;
}

static void
add_words(
    struct texts *texts, const struct coh_group_words *words, size_t first)
{
    for (size_t i = first; i < words->count; i++) {
        add_text(texts, words->items[i]);
    }
}

static void
add_texts(struct texts *texts, const struct coh_declared_group *group)
{
    const struct coh_group_settings *settings = group->settings;

    add_text(texts, group->name);
    add_text(texts, settings->exec.items[0]);
    add_text(texts, settings->cwd);
    add_words(texts, &settings->exec_args, 0);
    add_words(texts, &settings->exec, 1);
    add_words(texts, &settings->args, 0);
    add_words(texts, &settings->environment, 0);
    for (size_t i = 0; i < settings->stdio.count; i++) {
        add_text(texts, settings->stdio.items[i].path);
    }
    for (size_t i = 0; i < settings->listens.count; i++) {
        add_text(texts, settings->listens.items[i].name);
    }
}

/* --- the head ------------------------------------------------------------- */

static void
fill_identity(
    struct coh_frame_group *frame, const struct coh_identity *identity)
{
    frame->has_identity = identity->is_set;
    frame->user = identity->user;
    frame->group = identity->group;
    frame->group_count = (uint32_t)identity->group_count;
    for (size_t i = 0; i < identity->group_count; i++) {
        frame->groups[i] = identity->groups[i];
    }
}

static void
fill_listens(
    struct coh_frame_group *frame, const struct coh_group_settings *settings)
{
    frame->listen_count = (uint32_t)settings->listens.count;
    for (size_t i = 0; i < settings->listens.count; i++) {
        const struct coh_group_listen *listen = &settings->listens.items[i];

        frame->listens[i].address_size = listen->address.size;
        memcpy(
            &frame->listens[i].address, &listen->address.u,
            listen->address.size);
        frame->listens[i].options = listen->options;
    }
}

/* Node programs take part in two policies alone, whatever the main context
   says; the default is Node's. */
static uint32_t
policy_of(
    const struct coh_group_settings *settings,
    const struct coh_settings *main_settings)
{
    if (settings->policy != COHORT_POLICY_DEFAULT) {
        return (uint32_t)settings->policy;
    }
    return settings->protocol == COHORT_PROTOCOL_NODE
        ? COHORT_POLICY_ROUND_ROBIN
        : (uint32_t)main_settings->policy;
}

/* memset and not an initializer: padding leaves the process, and frames are
   compared byte by byte. */
static void
fill(
    struct coh_frame_group *frame, const struct coh_declared_group *group,
    const struct coh_settings *main_settings)
{
    const struct coh_group_settings *settings = group->settings;

    memset(frame, 0, sizeof(*frame));
    frame->processes = settings->processes;
    frame->protocol = (uint32_t)settings->protocol;
    frame->serialization = (uint32_t)settings->serialization;
    frame->policy = policy_of(settings, main_settings);
    frame->respawn = (uint32_t)settings->respawn;
    frame->is_silent = settings->is_silent;
    frame->inspect_port = settings->inspect_port;
    fill_identity(
        frame,
        settings->identity.is_set ? &settings->identity
                                  : &main_settings->identity);
    frame->upkeep = *group->upkeep;
    frame->exec_arg_count = (uint32_t)settings->exec_args.count;
    frame->arg_count =
        (uint32_t)(settings->exec.count - 1 + settings->args.count);
    frame->variable_count = (uint32_t)settings->environment.count;
    frame->stdio_count = (uint32_t)settings->stdio.count;
    for (size_t i = 0; i < settings->stdio.count; i++) {
        frame->stdio[i] = (uint32_t)settings->stdio.items[i].kind;
    }
    fill_listens(frame, settings);
}

static int
report_group(
    struct coh_channel *channel, const struct cohort_load *load,
    const struct coh_declared_group *group)
{
    struct texts texts = {
        .data = coh_arena_alloc(load->arena, COH_FRAME_GROUP_TEXTS_MAX)};
    struct coh_frame_group frame;
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_base = texts.data},
    };

    fill(&frame, group, load->settings);
    add_texts(&texts, group);
    if (texts.is_full) {
        coh_report_text(
            channel, true,
            "the texts of the worker group \"%s\" (program, arguments, "
            "environment, paths) have more than %d bytes",
            group->name.data, COH_FRAME_GROUP_TEXTS_MAX);
        return -E2BIG;
    }
    parts[1].iov_len = texts.size;
    return coh_channel_sendv(channel, COH_FRAME_GROUP, parts, 2, NULL, 0);
}

int
coh_report_groups(struct coh_channel *channel, const struct cohort_load *load)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < load->groups.count; i++) {
        result = report_group(channel, load, &load->groups.list[i]);
    }
    return result;
}
