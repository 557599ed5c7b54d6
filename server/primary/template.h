/* A template, as the primary knows it: the process that forks the workers of a
   generation. */
#ifndef COH_PRIMARY_TEMPLATE_H
#define COH_PRIMARY_TEMPLATE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "server/channel/channel.h"
#include "server/primary/child.h"
#include "server/primary/template_watch.h"

struct coh_generation;
struct coh_worker;

/* What is wrong with what one that was started again has loaded. */
enum coh_template_fault {
    COH_TEMPLATE_FINE,       /* or it has not come so far */
    COH_TEMPLATE_CHANGED,    /* it is another configuration */
    COH_TEMPLATE_UNLOADABLE, /* nothing: there were errors, told by then */
};

struct coh_template {
    LIST_ENTRY(coh_template) link; /* in generation->templates */
    struct coh_generation *generation;
    struct coh_child child;
    struct coh_channel channel;
    bool is_repair;  /* follows one that died: must load the same once more */
    bool has_exited; /* what it said last may not have been read yet */
    bool has_hung;   /* and was ended for it (template_watch.h) */
    struct coh_exit how;
    uint64_t used_ms; /* since when workers come from it; 0: they do not */
    enum coh_template_fault fault;
    uint64_t asked;     /* the worker that it is asked to fork; 0: none */
    int put_off;        /* why the next one could not be asked for: errno; 0: it
                       can */
    struct event retry; /* then */
    struct coh_template_watch watch;
};

/* Start one; it is in generation->templates until its process is gone. NULL
   after a log line. */
struct coh_template *coh_template_new(
    struct coh_generation *generation, bool is_repair);

/* It has loaded: workers come from it from now on. */
void coh_template_use(struct coh_template *template);

/* Close its channel: it leaves, or is made to; at once while it loads. */
void coh_template_end(struct coh_template *template);

/* Its channel has ended by itself. */
void coh_template_lose(struct coh_template *template);

/* Ask for the next worker of the queue. One request is on its way at a time: a
   fork must not inherit what belongs to the next one. What cannot be asked for
   now is asked for later. */
void coh_template_ask(struct coh_template *template);
void coh_template_on_retry(evutil_socket_t fd, short what, void *user);

/* It has answered. pid: or -errno; pidfd is taken over, -1 if it got lost on
   its way. */
void coh_template_answered(
    struct coh_template *template, uint64_t worker_id, pid_t pid, int pidfd);

/* In a forked child: close its descriptors here, nothing else. */
void coh_template_forget(struct coh_template *template);

/* What a template may say (declared.c). */
extern const struct coh_channel_role coh_declared_role;

#endif
