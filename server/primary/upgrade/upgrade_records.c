/* Records, field by field: structures of the program may change, these grow at
   their ends only. */
#include "server/primary/upgrade/upgrade_records.h"

#include <errno.h>
#include <string.h>

#include "server/process/group.h"

struct listener_record {
    unsigned char address[128]; /* a struct sockaddr of the kernel's */
    uint32_t address_size;
    uint32_t socket_count;
    uint32_t live_count;
    int32_t backlog;
    int32_t rcvbuf;
    int32_t sndbuf;
    int32_t fastopen;
    int32_t deferred;
    int32_t ipv6only;
    int32_t keepalive;
    int32_t keepalive_idle_s;
    int32_t keepalive_interval_s;
    int32_t keepalive_count;
    uint32_t mode;
    uint32_t is_activated;
    uint32_t reserved;
    uint64_t file_device;
    uint64_t file_number;
};

_Static_assert(
    sizeof(((struct coh_addr *)0)->u) <=
        sizeof(((struct listener_record *)0)->address),
    "an address fits its record");

/* The texts follow in this order. */
struct counter_record {
    uint64_t value;
    uint32_t kind;
    uint16_t name_size;
    uint16_t help_size;
    uint16_t labels_size;
    uint16_t reserved;
    uint32_t reserved_too;
};

/* The name follows. */
struct secret_record {
    uint64_t rotate_s;
    uint64_t left_s;
    uint32_t size;
    uint32_t name_size;
};

/* The name follows. */
struct target_record {
    uint32_t configured;
    uint32_t target;
    uint32_t name_size;
    uint32_t reserved;
};

/* --- listeners ------------------------------------------------------------ */

void
coh_state_add_listener(
    struct coh_state *state, const struct coh_state_listener *listener)
{
    const struct cohort_listen_options *options = &listener->options;
    struct listener_record record = {
        .address_size = (uint32_t)listener->address.size,
        .socket_count = listener->socket_count,
        .live_count = listener->live_count,
        .backlog = options->backlog,
        .rcvbuf = options->rcvbuf,
        .sndbuf = options->sndbuf,
        .fastopen = options->fastopen,
        .deferred = options->deferred,
        .ipv6only = options->ipv6only,
        .keepalive = options->keepalive,
        .keepalive_idle_s = options->keepalive_idle_s,
        .keepalive_interval_s = options->keepalive_interval_s,
        .keepalive_count = options->keepalive_count,
        .mode = options->mode,
        .is_activated = listener->is_activated,
        .file_device = listener->file_device,
        .file_number = listener->file_number,
    };
    struct iovec part = {.iov_base = &record, .iov_len = sizeof(record)};

    memcpy(record.address, &listener->address.u, listener->address.size);
    coh_state_add(state, COH_STATE_LISTENER, &part, 1);
}

static bool
is_possible(const struct listener_record *record)
{
    return record->address_size >= sizeof(sa_family_t) &&
        record->address_size <= sizeof(((struct coh_addr *)0)->u) &&
        record->socket_count > 0 &&
        record->socket_count <= COH_LISTENER_SOCKETS_MAX &&
        record->live_count <= record->socket_count;
}

int
coh_state_read_listener(
    const struct coh_state_record *from, struct coh_state_listener *listener)
{
    struct listener_record record;

    if (from->size < sizeof(record)) {
        return -EPROTO;
    }
    memcpy(&record, from->data, sizeof(record));
    if (!is_possible(&record)) {
        return -EPROTO;
    }
    *listener = (struct coh_state_listener){
        .address.size = record.address_size,
        .options =
            {
                .backlog = record.backlog,
                .rcvbuf = record.rcvbuf,
                .sndbuf = record.sndbuf,
                .fastopen = record.fastopen,
                .deferred = record.deferred != 0,
                .ipv6only = record.ipv6only != 0,
                .keepalive = (signed char)record.keepalive,
                .keepalive_idle_s = record.keepalive_idle_s,
                .keepalive_interval_s = record.keepalive_interval_s,
                .keepalive_count = record.keepalive_count,
                .mode = record.mode,
            },
        .is_activated = record.is_activated != 0,
        .socket_count = record.socket_count,
        .live_count = record.live_count,
        .file_device = record.file_device,
        .file_number = record.file_number,
    };
    memcpy(&listener->address.u, record.address, record.address_size);
    return 0;
}

/* --- counters ------------------------------------------------------------- */

static struct iovec
part_of(struct cohort_str text)
{
    return (struct iovec){
        .iov_base = (void *)(uintptr_t)text.data, .iov_len = text.size};
}

void
coh_state_add_counter(
    struct coh_state *state, const struct coh_state_counter *counter)
{
    const struct coh_counter *texts = &counter->counter;
    struct counter_record record = {
        .value = counter->value,
        .kind = (uint32_t)texts->kind,
        .name_size = (uint16_t)texts->name.size,
        .help_size = (uint16_t)texts->help.size,
        .labels_size = (uint16_t)texts->labels.size,
    };
    const struct iovec parts[] = {
        {.iov_base = &record, .iov_len = sizeof(record)},
        part_of(texts->name),
        part_of(texts->help),
        part_of(texts->labels),
    };

    coh_state_add(state, COH_STATE_COUNTER, parts, 4);
}

int
coh_state_read_counter(
    const struct coh_state_record *from, struct coh_state_counter *counter)
{
    struct counter_record record;
    const char *text = (const char *)from->data + sizeof(record);

    if (from->size < sizeof(record)) {
        return -EPROTO;
    }
    memcpy(&record, from->data, sizeof(record));
    if (from->size - sizeof(record) <
            (size_t)record.name_size + record.help_size + record.labels_size ||
        record.kind > COHORT_HISTOGRAM) {
        return -EPROTO;
    }
    *counter = (struct coh_state_counter){
        .value = record.value,
        .counter =
            {
                .kind = (enum cohort_counter_kind)record.kind,
                .name = cohort_str_n(text, record.name_size),
                .help = cohort_str_n(text + record.name_size, record.help_size),
                .labels = cohort_str_n(
                    text + record.name_size + record.help_size,
                    record.labels_size),
            },
    };
    return 0;
}

/* --- secrets -------------------------------------------------------------- */

void
coh_state_add_secret(
    struct coh_state *state, const struct coh_state_secret *secret)
{
    struct secret_record record = {
        .rotate_s = secret->rotate_s,
        .left_s = secret->left_s,
        .size = secret->size,
        .name_size = (uint32_t)secret->name.size,
    };
    const struct iovec parts[] = {
        {.iov_base = &record, .iov_len = sizeof(record)},
        part_of(secret->name),
    };

    coh_state_add(state, COH_STATE_SECRET, parts, 2);
}

int
coh_state_read_secret(
    const struct coh_state_record *from, struct coh_state_secret *secret)
{
    struct secret_record record;

    if (from->size < sizeof(record)) {
        return -EPROTO;
    }
    memcpy(&record, from->data, sizeof(record));
    if (record.name_size == 0 || record.name_size > COHORT_SECRET_NAME_MAX ||
        record.name_size > from->size - sizeof(record) || record.size == 0 ||
        record.size > COHORT_SECRET_SIZE_MAX || record.rotate_s == 0) {
        return -EPROTO;
    }
    *secret = (struct coh_state_secret){
        .name = cohort_str_n(
            (const char *)from->data + sizeof(record), record.name_size),
        .size = record.size,
        .rotate_s = record.rotate_s,
        .left_s = record.left_s,
    };
    return 0;
}

/* --- targets -------------------------------------------------------------- */

void
coh_state_add_target(
    struct coh_state *state, const struct coh_state_target *target)
{
    struct target_record record = {
        .configured = target->configured,
        .target = target->target,
        .name_size = (uint32_t)target->name.size,
    };
    const struct iovec parts[] = {
        {.iov_base = &record, .iov_len = sizeof(record)},
        part_of(target->name),
    };

    coh_state_add(state, COH_STATE_TARGET, parts, 2);
}

/* Without addresses main has no workers, else every group has one at least. */
int
coh_state_read_target(
    const struct coh_state_record *from, struct coh_state_target *target)
{
    struct target_record record;

    if (from->size < sizeof(record)) {
        return -EPROTO;
    }
    memcpy(&record, from->data, sizeof(record));
    if (record.name_size == 0 || record.name_size > COH_GROUP_NAME_MAX ||
        record.name_size > from->size - sizeof(record) ||
        (record.configured == 0) != (record.target == 0)) {
        return -EPROTO;
    }
    *target = (struct coh_state_target){
        .name = cohort_str_n(
            (const char *)from->data + sizeof(record), record.name_size),
        .configured = record.configured,
        .target = record.target,
    };
    return 0;
}
