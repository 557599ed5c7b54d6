/* Questions: sent with a number, kept until the outcome has come and the
   request has ended. */
#include "server/admin/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/admin/internal.h"
#include "server/admin/reply.h"

/* A text of the configuration that is longer is not read, and so not known. */
#define TEXT_MAX (64 * 1024 * 1024)

struct coh_question {
    LIST_ENTRY(coh_question) link;
    uint64_t number;
    struct cohort_request *request; /* NULL: its client has gone */
    unsigned missing;               /* outcomes */
    coh_answer_handler *on_answer;
    struct coh_answer answer;
};

static void
free_question(struct coh_question *question)
{
    struct coh_answer_part *part;

    while ((part = STAILQ_FIRST(&question->answer.parts)) != NULL) {
        STAILQ_REMOVE_HEAD(&question->answer.parts, link);
        free(part->text);
        free(part);
    }
    free(question->answer.text);
    free(question);
}

/* The request has ended: it was answered, or its client has gone. */
static void
on_request_end(void *object)
{
    struct coh_question *question = object;

    question->request = NULL;
    if (question->missing == 0) {
        free_question(question);
    }
}

static struct coh_question *
find(struct coh_admin *admin, uint64_t number)
{
    struct coh_question *question;

    LIST_FOREACH (question, &admin->questions, link) {
        if (question->number == number) {
            return question;
        }
    }
    return NULL;
}

/* --- asking --------------------------------------------------------------- */

static struct coh_question *
new_question(
    struct coh_admin *admin, struct cohort_request *request,
    coh_answer_handler *on_answer)
{
    struct coh_question *question = calloc(1, sizeof(*question));

    if (!question) {
        return NULL;
    }
    question->number = ++admin->last_question;
    question->request = request;
    question->on_answer = on_answer;
    STAILQ_INIT(&question->answer.parts);
    LIST_INSERT_HEAD(&admin->questions, question, link);
    return question;
}

static int
send_all(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_frame_ask *asks, size_t count, struct cohort_str data,
    coh_answer_handler *on_answer)
{
    struct coh_question *question =
        admin->link.ask ? new_question(admin, request, on_answer) : NULL;

    for (size_t i = 0; question && i < count; i++) {
        struct coh_frame_ask ask = asks[i];

        ask.number = question->number;
        if (admin->link.ask(admin->link.user, &ask, data) == 0) {
            question->missing++;
        }
    }
    if (question && question->missing == count) {
        cohort_request_defer(request, on_request_end, question);
        return COHORT_LATER;
    }
    if (question && question->missing == 0) {
        LIST_REMOVE(question, link);
        free_question(question);
    } else if (question) {
        question->request = NULL; /* what was asked may still be answered */
    }
    return coh_reply_error(request, 503, "the primary cannot be asked");
}

int
coh_question_ask(
    struct coh_admin *admin, struct cohort_request *request,
    enum coh_ask_verb verb, uint64_t worker_id, uint32_t value,
    coh_answer_handler *on_answer)
{
    struct coh_frame_ask ask = {
        .verb = verb, .worker_id = worker_id, .value = value};

    return send_all(admin, request, &ask, 1, cohort_str_n("", 0), on_answer);
}

int
coh_question_ask_with(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_frame_ask *ask, struct cohort_str data,
    coh_answer_handler *on_answer)
{
    return send_all(admin, request, ask, 1, data, on_answer);
}

bool
coh_question_set_group(struct coh_frame_ask *ask, struct cohort_str name)
{
    if (name.size == 0 || name.size >= sizeof(ask->group) ||
        memchr(name.data, '\0', name.size)) {
        return false;
    }
    memcpy(ask->group, name.data, name.size);
    return true;
}

int
coh_question_ask_all(
    struct coh_admin *admin, struct cohort_request *request,
    const enum coh_ask_verb *verbs, size_t count, coh_answer_handler *on_answer)
{
    struct coh_frame_ask asks[COH_ASK_VERB_COUNT];

    for (size_t i = 0; i < count; i++) {
        asks[i] = (struct coh_frame_ask){.verb = verbs[i]};
    }
    return send_all(
        admin, request, asks, count, cohort_str_n("", 0), on_answer);
}

/* --- what comes ----------------------------------------------------------- */

/* A sealed memory file: it neither shrinks nor changes while it is read. */
static void
read_text(struct coh_answer_part *part, int fd)
{
    struct stat status;
    size_t size;

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size > TEXT_MAX) {
        return;
    }
    size = (size_t)status.st_size;
    part->text = malloc(size + 1);
    while (part->text && part->text_size < size) {
        ssize_t got = pread(
            fd, part->text + part->text_size, size - part->text_size,
            (off_t)part->text_size);

        if (got <= 0) {
            break;
        }
        part->text_size += (size_t)got;
    }
}

void
coh_admin_part(struct coh_admin *admin, const void *data, size_t size, int fd)
{
    const struct coh_frame_part *head = data;
    struct coh_question *question = find(admin, head->number);
    struct coh_answer_part *part;

    if (!question || !question->request) {
        return;
    }
    part = calloc(1, sizeof(*part) + size);
    if (part) {
        memcpy(part + 1, data, size);
        part->head = (const struct coh_frame_part *)(part + 1);
        part->size = size;
        read_text(part, fd);
        STAILQ_INSERT_TAIL(&question->answer.parts, part, link);
    }
}

static void
take_outcome(
    struct coh_answer *answer, const struct coh_frame_outcome *outcome,
    size_t text_size)
{
    if (answer->outcome.result < 0) {
        return;
    }
    answer->outcome = *outcome;
    free(answer->text);
    answer->text = calloc(1, text_size + 1);
    if (answer->text) {
        memcpy(answer->text, outcome + 1, text_size);
    } else {
        answer->outcome.result = -ENOMEM;
    }
}

void
coh_admin_outcome(struct coh_admin *admin, const void *data, size_t size)
{
    const struct coh_frame_outcome *outcome = data;
    struct coh_question *question = find(admin, outcome->number);

    if (!question) {
        return;
    }
    take_outcome(&question->answer, outcome, size - sizeof(*outcome));
    if (--question->missing > 0) {
        return;
    }
    LIST_REMOVE(question, link);
    if (question->request) {
        cohort_resume(
            question->request,
            question->on_answer(question->request, &question->answer));
    } else {
        free_question(question);
    }
}

void
coh_questions_end(struct coh_admin *admin)
{
    struct coh_question *question;

    while ((question = LIST_FIRST(&admin->questions)) != NULL) {
        LIST_REMOVE(question, link);
        free_question(question);
    }
}

/* --- answers -------------------------------------------------------------- */

const void *
coh_answer_find(
    const struct coh_answer *answer, enum coh_part_kind kind, size_t size)
{
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        if (part->head->kind == kind && part->size >= size) {
            return part->head;
        }
    }
    return NULL;
}

static int
status_of(int result)
{
    switch (result) {
    case -ENOENT:
        return 404;
    case -EALREADY:
    case -EBUSY:
        return 409;
    case -EINVAL:
    case -EOPNOTSUPP:
        return 422;
    case -EAGAIN:
    case -ENOBUFS:
        return 503;
    default:
        return 500;
    }
}

int
coh_answer_refuse(
    struct cohort_request *request, const struct coh_answer *answer)
{
    const char *text = answer->text ? answer->text : "";

    return coh_reply_error(
        request, status_of(answer->outcome.result), "%s",
        text[0] ? text : strerror(-answer->outcome.result));
}
