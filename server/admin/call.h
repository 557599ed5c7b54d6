/* One call of cohort ctl: ask, then show what was answered. */
#ifndef COH_ADMIN_CALL_H
#define COH_ADMIN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/admin/client.h"

struct coh_json;

/* Exit statuses. */
#define COH_CALL_FAILED 1
#define COH_CALL_WRONG_USE 2

struct coh_call {
    const char *path; /* of the socket */
    char **words;     /* the verb's arguments; ends with NULL */
    bool is_json;     /* print answers as they are */
};

/*
 * Ask and show the answer: an error, or in_words (NULL: as it is).
 *
 * body     JSON, or NULL.
 * Returns  The exit status.
 */
int coh_call_ask(
    const struct coh_call *call, const char *method, const char *target,
    const char *body, void (*in_words)(const struct coh_json *value));

/* Show an answer that has come. The exit status. */
int coh_call_show(
    const struct coh_client_answer *answer, bool is_json,
    void (*in_words)(const struct coh_json *value));

/* Say why nothing was answered. The exit status. */
int coh_call_say_unreachable(const char *path, int error);

/* The value that a GET answers with, the caller's; NULL after an error was
   shown, *status is the exit status then; status NULL: say nothing. */
struct coh_json *coh_call_get(
    const char *path, const char *target, int *status);

/* The process id of the primary; 0: it cannot be asked. */
int64_t coh_call_pid(const char *path);

/* A word that must be a number: 0, or -EINVAL after saying so. */
int coh_call_number(const char *word, uint64_t *number);

/* The verbs about one worker (ctl_worker.c). */
int coh_call_disconnect(const struct coh_call *call);
int coh_call_kill(const struct coh_call *call);
int coh_call_replace(const struct coh_call *call);
int coh_call_message(const struct coh_call *call);

/* Start more of them (ctl_fork.c). */
int coh_call_fork(const struct coh_call *call);

/* Those that end the server (ctl_leave.c). */
int coh_call_quit(const struct coh_call *call);
int coh_call_stop(const struct coh_call *call);

#endif
