/* Buffers of a process that belong to whatever callback runs: what was
   received, what is about to be sent, the slots of the head being read. */
#ifndef COH_HTTP_SCRATCH_H
#define COH_HTTP_SCRATCH_H

#include <stddef.h>

#include "http/h1.h"
#include "http/request_host.h"
#include "http/request_memo.h"

struct coh_location;
struct coh_virtual_server;

#define COH_RECEIVE_SIZE 65536 /* at most, by one recv */
#define COH_BATCH_SIZE 65536   /* of output, by one send */
#define COH_SLOT_COUNT 4096    /* fields of one head */

#define COH_LOG_TAIL_MAX 1024 /* bytes of a log line that are kept */

/* The end of the last line in the access log, and what it was written from. */
struct coh_log_tail {
    uint64_t head_number;
    uint64_t body_sent;
    int status;
    size_t size; /* 0: none */
    char text[COH_LOG_TAIL_MAX];
};

/* Where the last path led: the same bytes of the same head lead there again,
   whether they are the path that was sent or a part of it. */
struct coh_location_memo {
    uint64_t head_number; /* 0: nothing is known */
    const struct coh_virtual_server *server;
    const struct coh_location *location;
    size_t path_at; /* in the head */
    size_t path_size;
};

struct coh_scratch {
    /* Received bytes from at to end; the next go behind them. */
    char *input;
    size_t input_room;
    size_t input_at;
    size_t input_end;
    size_t input_fresh; /* where the bytes of this callback begin */
    size_t turn_size;   /* bytes sent in this callback */
    struct coh_h1_head head;
    struct coh_host_memo host; /* of the last request */
    struct coh_request_memo request;
    struct coh_location_memo location;
    struct coh_log_tail tail;
    /* Bytes to send, of the connection whose callback runs. */
    size_t batch_size;
    char batch[COH_BATCH_SIZE];
    struct coh_header slots[COH_SLOT_COUNT];
};

/* head_max: bytes of the largest head that must fit. Never NULL. */
struct coh_scratch *coh_scratch_new(size_t head_max);
void coh_scratch_free(struct coh_scratch *scratch);

/* What is left of the input. */
static inline struct cohort_str
coh_scratch_input(const struct coh_scratch *scratch)
{
    return cohort_str_n(
        scratch->input + scratch->input_at,
        scratch->input_end - scratch->input_at);
}

/* A callback begins, and ends: in between nobody may touch the buffers, which
   sanitizers see to. */
void coh_scratch_open(struct coh_scratch *scratch);
void coh_scratch_shut(struct coh_scratch *scratch);

#endif
