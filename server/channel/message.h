/* What primary, templates, workers and helpers say to each other. All ends run
   the same binary (hello checks it), so frames are plain C structures. */
#ifndef COH_SERVER_CHANNEL_MESSAGE_H
#define COH_SERVER_CHANNEL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cohort/cohort.h>

/* Raise it when a frame changes its meaning without changing its size. */
#define COH_PROTOCOL 1

enum coh_frame_type {
    COH_FRAME_FRAGMENT = 1, /* of the codec: a part of a longer frame */
    COH_FRAME_HELLO,        /* both ways, first; a worker's has its pidfd */
    COH_FRAME_LOG,          /* to the primary: a line for the error log */

    /* primary to template */
    COH_FRAME_FILE_OPEN, /* answer to FILE: struct coh_frame_answer, 1 fd */
    COH_FRAME_FORK,      /* make a worker: struct coh_frame_fork, its fds */

    /* template to primary */
    COH_FRAME_SETTINGS, /* what the primary must know of the configuration */
    COH_FRAME_LISTEN,   /* open an address: struct coh_frame_listen */
    COH_FRAME_FILE,     /* open a log file: struct coh_frame_file, path */
    COH_FRAME_GROUP,    /* a worker group: struct coh_frame_group, texts */
    COH_FRAME_COUNTER,  /* declared: struct coh_frame_counter, texts */
    COH_FRAME_LOADED,   /* the generation is loaded */
    COH_FRAME_FAILED,   /* it is not: the text that says why */
    COH_FRAME_FORKED,   /* struct coh_frame_forked, 1 fd (pidfd) or none */

    /* primary to worker */
    COH_FRAME_START,       /* take connections from now on */
    COH_FRAME_LISTENERS,   /* its listeners: struct coh_frame_listener each */
    COH_FRAME_CONNECTIONS, /* struct coh_frame_connection each, 1 fd each */
    COH_FRAME_REOPEN,      /* struct coh_frame_reopen, fds of all files */
    COH_FRAME_DRAIN,       /* take nothing new, finish the old, leave */

    /* worker to primary */
    COH_FRAME_READY,  /* it could serve: START may come */
    COH_FRAME_CREDIT, /* it takes connections again */

    /* of the admin service; structures in server/admin/frames.h */
    COH_FRAME_ADMIN,   /* its settings; to the helper with their sockets */
    COH_FRAME_ASK,     /* helper to primary: a question */
    COH_FRAME_PART,    /* primary to helper: a part of the answer */
    COH_FRAME_OUTCOME, /* primary to helper: the end of the answer */
    COH_FRAME_EVENT,   /* primary to helper: something has happened */

    COH_FRAME_SECRET,      /* template: struct coh_frame_secret, its name */
    COH_FRAME_SECRET_OPEN, /* to a worker: struct coh_frame_answer, 1 fd */

    COH_FRAME_MESSAGE, /* to and from a worker: a JSON value, as text */

    COH_FRAME_REOPEN_AGAIN, /* to the primary: no room for those of REOPEN */

    COH_FRAME_PING, /* to the helper, and its answer: nothing but that */

    COH_FRAME_DRAINING, /* to the primary, after DRAIN: it accepts no more */

    COH_FRAME_TYPE_COUNT,
};

/* The longest text in a frame, without the NUL that no text has here. */
#define COH_FRAME_TEXT_MAX 8192

/* Bytes of an environment that a worker gets beside what it inherits. */
#define COH_ENVIRONMENT_MAX (16 * 1024)

struct coh_frame_hello {
    uint32_t protocol;   /* COH_PROTOCOL */
    uint32_t slot;       /* a worker's own; else UINT32_MAX */
    uint64_t generation; /* 0: none */
    uint64_t worker_id;  /* 0: no worker */
    char build[64];      /* coh_build_id(): NUL-terminated */
};

struct coh_frame_drain {
    uint64_t limit_ms; /* then what it has is closed; 0: never */
};

struct coh_frame_log {
    uint32_t level; /* enum cohort_log_level; the line follows */
};

struct coh_frame_answer {
    uint32_t index; /* of the request */
    int32_t result; /* 0 or -errno; the reason as a text follows */
};

struct coh_frame_listen {
    uint32_t index; /* in the order of cohort_load_listen */
    uint32_t address_size;
    struct sockaddr_storage address;
    struct cohort_listen_options options;
};

struct coh_frame_file {
    uint32_t index;       /* the path follows */
    uint32_t is_optional; /* if it cannot be opened, standard error will do */
};

/* One counter; name, help and labels follow in this order. */
struct coh_frame_counter {
    uint32_t index;
    uint32_t kind; /* enum cohort_counter_kind */
    uint16_t name_size;
    uint16_t help_size;
    uint16_t labels_size;
    uint16_t health; /* enum cohort_health */
};

/* A secret that is declared; its name follows. */
struct coh_frame_secret {
    uint32_t index; /* in the order of cohort_load_secret */
    uint32_t size;
    uint64_t rotate_s;
};

/* Its environment follows: "NAME=VALUE", a NUL behind each; perhaps none. */
struct coh_frame_fork {
    uint64_t worker_id;
    uint64_t generation;
    uint32_t slot;
    uint32_t place; /* among the workers of its generation */
};

struct coh_frame_forked {
    uint64_t worker_id;
    int32_t pid; /* or -errno, then without a pidfd */
    uint32_t reserved;
};

/* One of the worker's listeners. */
struct coh_frame_listener {
    uint32_t index;  /* in the order of cohort_load_listen */
    uint32_t policy; /* enum cohort_policy, resolved */
    uint32_t has_fd; /* the next descriptor is its socket */
    uint32_t reserved;
};

/* One connection that is offered; coh_intake_offered() takes it. */
struct coh_frame_connection {
    uint32_t listener; /* index in the worker's generation */
    uint32_t word;     /* where it is acknowledged */
    uint64_t sequence;
};

/* What this binary is: the same text in every process of one build. */
const char *coh_build_id(void);

/* Fill in our hello. */
void coh_hello_fill(
    struct coh_frame_hello *hello, uint64_t generation, uint64_t worker_id,
    uint32_t slot);

/* 0; -EPROTO when the peer is another build or speaks another protocol. */
int coh_hello_check(const struct coh_frame_hello *hello);

/* "connections", for log lines; "?" for others. */
const char *coh_frame_name(uint16_t type);

#endif
