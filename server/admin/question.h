/* A request that waits for the primary's answer. */
#ifndef COH_ADMIN_QUESTION_H
#define COH_ADMIN_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/http.h>

#include "server/admin/frames.h"

struct coh_admin;

/* A part of the answer: its frame, and for a configuration its text. */
struct coh_answer_part {
    STAILQ_ENTRY(coh_answer_part) link;
    size_t size; /* of the frame */
    const struct coh_frame_part *head;
    char *text; /* NULL: none */
    size_t text_size;
};

/* What has come, when the outcome is there. */
struct coh_answer {
    STAILQ_HEAD(coh_answer_parts, coh_answer_part) parts; /* in their order */
    struct coh_frame_outcome outcome; /* of several questions the first that
                                         failed, else the last */
    char *text; /* of the outcome: NUL-terminated, perhaps "" */
};

/* Answers the request: returns a verdict. */
typedef int coh_answer_handler(
    struct cohort_request *request, const struct coh_answer *answer);

/*
 * Ask the primary for a request.
 *
 * on_answer  Called once, from the loop, unless the client has gone.
 * Returns    COHORT_LATER, or a verdict: return it from the handler.
 */
int coh_question_ask(
    struct coh_admin *admin, struct cohort_request *request,
    enum coh_ask_verb verb, uint64_t worker_id, uint32_t value,
    coh_answer_handler *on_answer);

/* Ask about a worker group. False: none can have that name. */
bool coh_question_set_group(struct coh_frame_ask *ask, struct cohort_str name);

/* The same with what goes behind the question; copied. */
int coh_question_ask_with(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_frame_ask *ask, struct cohort_str data,
    coh_answer_handler *on_answer);

/* The same for several verbs that need neither worker nor value. */
int coh_question_ask_all(
    struct coh_admin *admin, struct cohort_request *request,
    const enum coh_ask_verb *verbs, size_t count,
    coh_answer_handler *on_answer);

/* Forget all questions: no request waits any more, and no outcome will come. */
void coh_questions_end(struct coh_admin *admin);

/* The first part of a kind that holds at least size bytes; NULL: none. */
const void *coh_answer_find(
    const struct coh_answer *answer, enum coh_part_kind kind, size_t size);

/* Answer with the outcome's text as an error, and the status that its result
   means. The verdict. */
int coh_answer_refuse(
    struct cohort_request *request, const struct coh_answer *answer);

#endif
