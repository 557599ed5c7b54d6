/* What the primary and the admin helper say to each other: questions, the parts
   of an answer, events. The types stand in server/channel/message.h. */
#ifndef COH_ADMIN_FRAMES_H
#define COH_ADMIN_FRAMES_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define COH_ADMIN_ADDRESSES_MAX 8
#define COH_ADMIN_GROUPS_MAX 64  /* supplementary ones of its user */
#define COH_ADMIN_WORKERS_MAX 64 /* in one part */
#define COH_ADMIN_ENVIRONMENT_MAX (16 * 1024) /* bytes, of forked workers */
#define COH_ADMIN_MESSAGE_MAX (64 * 1024)     /* bytes, to a worker */
#define COH_ADMIN_MESSAGE_TOLD (16 * 1024)    /* bytes, in an event */

/* A number that nobody knows. */
#define COH_ADMIN_UNKNOWN UINT64_MAX

/* No such id or slot: leave it as it is. */
#define COH_ADMIN_NOBODY UINT32_MAX

/* --- settings ----------------------------------------------------------------
 *
 * COH_FRAME_ADMIN, from a template to the primary, which opens the addresses,
 * and from there to the helper, with a descriptor for each address.
 */

/* Where the service listens. */
struct coh_frame_admin_address {
    struct sockaddr_storage address;
    uint32_t address_size;
    uint32_t is_read_only; /* metrics and probes alone, for everybody */
    uint32_t is_optional;  /* nobody asked for it: do without on failure */
    uint32_t mode;         /* permissions of a unix socket */
    uint32_t owner;        /* of its file, who may do everything, too */
    uint32_t group;
};

struct coh_frame_admin {
    uint32_t count; /* of addresses; 0: no admin service */
    uint32_t has_identity;
    uint32_t user; /* who the helper becomes */
    uint32_t group;
    uint32_t group_count;
    uint32_t groups[COH_ADMIN_GROUPS_MAX];
    uint32_t primary_user; /* may do everything */
    struct coh_frame_admin_address addresses[COH_ADMIN_ADDRESSES_MAX];
};

/* --- questions ------------------------------------------------------------ */

enum coh_ask_verb {
    COH_ASK_STATUS,
    COH_ASK_WORKERS,       /* worker_id: of that one; 0: of all */
    COH_ASK_COUNTERS,      /* sums over all workers, past ones included */
    COH_ASK_CONFIGURATION, /* what the current generation was loaded from */
    COH_ASK_SCALE,         /* value: so many workers */
    COH_ASK_GROW,          /* value: so many workers more; their environment
                              follows: "NAME=VALUE", a NUL behind each */
    COH_ASK_RELOAD,        /* value: not 0 if it is forced */
    COH_ASK_UPGRADE,       /* start the binary on disk, leave when it serves */
    COH_ASK_REOPEN,
    COH_ASK_QUIT,       /* value: so many ms not ready, but serving, first */
    COH_ASK_QUIT_BEGIN, /* the same, answered when it has begun */
    COH_ASK_STOP,
    COH_ASK_DISCONNECT, /* worker_id finishes what it has, and leaves */
    COH_ASK_KILL,       /* value: the signal for worker_id */
    COH_ASK_REPLACE,    /* worker_id leaves when another one serves instead */
    COH_ASK_MESSAGE,    /* to worker_id; the JSON text follows */
    COH_ASK_VERB_COUNT,
};

/* COH_FRAME_ASK: any number of parts and one outcome follow. */
struct coh_frame_ask {
    uint64_t number; /* the asker's; comes back with the answer */
    uint64_t worker_id;
    uint32_t verb; /* enum coh_ask_verb */
    uint32_t value;
    char group[32]; /* of SCALE and GROW; "": main. NUL-terminated */
};

/*
 * COH_FRAME_OUTCOME: that was all. A text follows: what happened, or why not.
 *
 * 0; -ENOENT: no such worker; -EINVAL: the value, or a configuration with
 * errors; -EAGAIN: not now; -EBUSY: this cannot be had here; others: it failed.
 */
#define COH_ADMIN_ERROR_SEPARATOR                                              \
    '\x1e' /* behind each such error, of several
                                            lines perhaps */

struct coh_frame_outcome {
    uint64_t number;
    int32_t result;
    uint32_t value; /* of GROW and REPLACE: the id of the first new worker; of
                       UPGRADE: the new primary's process id */
};

/* --- parts of answers: COH_FRAME_PART ------------------------------------- */

enum coh_part_kind {
    COH_PART_STATUS,        /* one; then the text of the last reload */
    COH_PART_ADDRESS,       /* one per listening address */
    COH_PART_GENERATION,    /* one per generation */
    COH_PART_GROUP,         /* one per worker group */
    COH_PART_WORKERS,       /* several workers each */
    COH_PART_COUNTER,       /* one per counter, then its texts */
    COH_PART_CONFIGURATION, /* with a descriptor: the text */
};

/* Each part begins so. */
struct coh_frame_part {
    uint64_t number; /* of the question */
    uint32_t kind;   /* enum coh_part_kind */
    uint32_t count;  /* of what follows */
};

/* Words are NUL-terminated; "" for none. Times are in milliseconds since 1970,
   0 for never. */
struct coh_part_status {
    struct coh_frame_part head;
    int32_t pid;
    uint32_t target; /* workers that there should be */
    uint32_t worker_max;
    uint32_t has_template; /* 0: workers that die are not replaced */
    uint32_t is_paused;    /* draining all workers was asked for */
    uint32_t is_departing; /* not ready any more: it is about to leave */
    uint32_t reserved;
    uint32_t counts[4]; /* of workers: starting, ready, serving, draining */
    uint32_t waiting;   /* places whose worker died too soon or too often */
    uint32_t worker_processes;
    uint64_t generation; /* 0: none serves */
    uint64_t loading;    /* 0: none */
    uint64_t reload_timeout_ms;
    uint64_t shutdown_timeout_ms;
    uint64_t start_ms;
    uint64_t event; /* the last one's number */
    uint64_t reload_ms;
    uint64_t reload_took_ms;
    uint64_t reload_generation;
    char policy[16];         /* of addresses that name none; "" */
    char reload_verdict[16]; /* "done", "failed" */
    char worker_sandbox[16];
    char state[16];
};

struct coh_part_address {
    struct coh_frame_part head;
    char address[128];
    char policy[16];
    char group[32];
};

struct coh_part_generation {
    struct coh_frame_part head;
    uint64_t number;
    uint32_t worker_count;
    uint32_t reserved;
    char state[16];
};

struct coh_part_group {
    struct coh_frame_part head;
    uint64_t generation; /* that started it */
    uint32_t target;     /* workers that there should be */
    uint32_t max;
    uint32_t counts[4]; /* as in struct coh_part_status */
    char name[32];
    char protocol[16];
    char program[64];
};

struct coh_part_worker {
    uint64_t id;
    uint64_t generation;
    uint64_t start_ms;
    uint64_t connections; /* or COH_ADMIN_UNKNOWN */
    uint64_t requests;    /* the same */
    uint64_t lag_ms;      /* of its event loop; the same */
    uint32_t slot;        /* COH_ADMIN_NOBODY: none */
    int32_t pid;          /* 0: not forked yet */
    uint32_t is_leaving;
    uint32_t reserved;
    char state[16];
    char reason[16]; /* why it is leaving */
    char group[32];
};

struct coh_part_workers {
    struct coh_frame_part head; /* count of them */
    struct coh_part_worker workers[COH_ADMIN_WORKERS_MAX];
};

/* Name, help and labels follow in this order. */
struct coh_part_counter {
    struct coh_frame_part head;
    uint64_t value;
    uint32_t kind; /* enum cohort_counter_kind */
    uint16_t name_size;
    uint16_t help_size;
    uint16_t labels_size;
    uint16_t reserved;
};

/* --- events: COH_FRAME_EVENT -------------------------------------------------
 *
 * In their order; a helper that starts gets those of before, too. A text
 * follows, if there is something to say.
 */
enum coh_event_text {
    COH_EVENT_TEXT_WORDS,   /* for people */
    COH_EVENT_TEXT_ADDRESS, /* of LISTENING */
    COH_EVENT_TEXT_JSON,    /* the message of MESSAGE, as its worker sent it */
};

struct coh_frame_event {
    uint64_t number; /* from 1; gaps are events of another primary, during an
                        upgrade, or lost */
    uint64_t time_ms;
    uint64_t generation; /* 0: about none */
    uint64_t worker_id;  /* 0: about none */
    uint64_t delay_ms;
    uint64_t count;        /* of what there was; 0: says nothing */
    uint64_t message_size; /* longer ones than COH_ADMIN_MESSAGE_TOLD come
                              without their text */
    int32_t pid;
    int32_t code;       /* of an exit; -1: by a signal */
    int32_t signal;     /* 0: none */
    uint32_t is_exit;   /* code and signal mean something */
    uint32_t is_wanted; /* of an exit: exitedAfterDisconnect */
    uint32_t text_kind; /* enum coh_event_text */
    char name[24];
    char reason[16]; /* of an exit */
    char group[32];  /* "": about none */
};

#endif
