/* Secrets that a member has asked its primary for. */
#ifndef COH_CLUSTER_ASKED_H
#define COH_CLUSTER_ASKED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct coh_cluster_self;
struct coh_secret_area;

#define COH_ASKED_SECRETS_MAX 16

struct coh_asked_secret {
    uint32_t size;
    /* 0: it is there; -EAGAIN: not yet; else why it never will be. */
    _Atomic int result;
    const struct coh_secret_area *area; /* NULL: not there */
};

/* What a member has asked for, in order. Written from its loop, read by any
   thread. */
struct coh_asked {
    struct coh_asked_secret array[COH_ASKED_SECRETS_MAX];
    _Atomic size_t count;
};

/*
 * The primary's answer has come.
 *
 * result   0 or -errno.
 * fd       Of its memory, stays the caller's; -1 with an error.
 * Returns  0; -EPROTO: that was not asked.
 */
int coh_asked_answer(
    struct coh_cluster_self *self, uint32_t index, int result, int fd);

/* The channel has ended: what was not answered never will be (-EPIPE). */
void coh_asked_give_up(struct coh_asked *asked);

void coh_asked_fini(struct coh_asked *asked);

#endif
