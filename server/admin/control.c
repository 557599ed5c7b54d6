/* What is done to the whole server: reload, reopen, quit, stop, scale. */
#include <errno.h>
#include <string.h>

#include "server/admin/body.h"
#include "server/admin/frames.h"
#include "server/admin/internal.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

/* --- reload --------------------------------------------------------------- */

static struct coh_json *
errors_json(const char *text)
{
    struct coh_json *array = coh_json_array();

    while (*text) {
        size_t size = strcspn(text, (char[]){COH_ADMIN_ERROR_SEPARATOR, '\0'});

        if (size > 0) {
            array =
                coh_json_append(array, coh_text_json(cohort_str_n(text, size)));
        }
        text += size + (text[size] != '\0');
    }
    return array;
}

/* What has become of it. refused: that the configuration has errors; number:
   what the outcome's value is called. */
static int
answer_verdict(
    struct cohort_request *request, const struct coh_answer *answer,
    const char *refused, const char *number, bool is_numbered_always)
{
    const struct coh_frame_outcome *outcome = &answer->outcome;
    bool is_done = outcome->result == 0;
    struct coh_json *object;

    if (outcome->result == -EAGAIN) {
        return coh_answer_refuse(request, answer);
    }
    object =
        coh_set_text(coh_json_object(), "verdict", is_done ? "done" : "failed");
    if (is_done || is_numbered_always) {
        object = coh_set_number(object, number, outcome->value);
    }
    if (outcome->result == -EINVAL) {
        object = coh_set_text(object, "error", refused);
        object = coh_json_set(object, "errors", errors_json(answer->text));
        return coh_reply_json(request, 422, object);
    }
    object = coh_set_text(object, is_done ? "text" : "error", answer->text);
    return coh_reply_json(request, is_done ? 200 : 500, object);
}

/* A generation has its number, whatever becomes of it. */
static int
answer_reload(struct cohort_request *request, const struct coh_answer *answer)
{
    return answer_verdict(
        request, answer, "the configuration has errors, nothing changed",
        "generation", true);
}

static int
answer_upgrade(struct cohort_request *request, const struct coh_answer *answer)
{
    return answer_verdict(
        request, answer,
        "the new binary finds errors in the configuration, the old one goes on",
        "pid", false);
}

static int
on_reload(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t user)
{
    bool is_forced = false;
    int verdict = 0;

    (void)user;
    if (coh_body_flag(request, body, "force", &is_forced, &verdict) < 0) {
        return verdict;
    }
    return coh_question_ask(
        admin, request, COH_ASK_RELOAD, 0, is_forced, answer_reload);
}

int
coh_reload_post(struct coh_admin *admin, struct cohort_request *request)
{
    static const char *const known[] = {"force", NULL};

    return coh_body_read(admin, request, known, on_reload, 0);
}

/* --- what needs no words -------------------------------------------------- */

static int
answer_done(struct cohort_request *request, const struct coh_answer *answer)
{
    return answer->outcome.result < 0
        ? coh_answer_refuse(request, answer)
        : coh_reply_json(
              request, 200,
              coh_set_text(coh_json_object(), "text", answer->text));
}

/* A body says nothing to them, so it must be empty. */
static int
ask_plainly(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t verb)
{
    (void)body;
    return coh_question_ask(
        admin, request, (enum coh_ask_verb)verb, 0, 0,
        verb == COH_ASK_UPGRADE ? answer_upgrade : answer_done);
}

int
coh_upgrade_post(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_body_read(admin, request, NULL, ask_plainly, COH_ASK_UPGRADE);
}

int
coh_reopen_post(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_body_read(admin, request, NULL, ask_plainly, COH_ASK_REOPEN);
}

/* --- leaving -------------------------------------------------------------- */

#define NOT_READY_MAX_MS 3600000

static int
on_quit(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t user)
{
    int64_t not_ready_ms = 0;
    bool will_wait = true;
    int verdict = 0;

    (void)user;
    if (coh_body_number(
            request, body, "not_ready_first_ms", 0, NOT_READY_MAX_MS, 0,
            &not_ready_ms, &verdict) < 0 ||
        coh_body_flag(request, body, "wait", &will_wait, &verdict) < 0) {
        return verdict;
    }
    return coh_question_ask(
        admin, request, will_wait ? COH_ASK_QUIT : COH_ASK_QUIT_BEGIN, 0,
        (uint32_t)not_ready_ms, answer_done);
}

int
coh_quit_post(struct coh_admin *admin, struct cohort_request *request)
{
    static const char *const known[] = {"not_ready_first_ms", "wait", NULL};

    return coh_body_read(admin, request, known, on_quit, 0);
}

int
coh_stop_post(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_body_read(admin, request, NULL, ask_plainly, COH_ASK_STOP);
}

/* --- scale ---------------------------------------------------------------- */

/* How many are possible is the primary's to say: it has the one bound. */
static int
on_group(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t user)
{
    size_t start = strlen("/v1/groups/");
    struct cohort_str path = cohort_request_path(request);
    struct coh_frame_ask ask = {.verb = COH_ASK_SCALE};
    int64_t count = 0;

    (void)user;
    if (coh_json_get_integer(
            coh_json_member(body, "processes"), 0, UINT32_MAX, &count) < 0) {
        return coh_reply_error(
            request, 422, "\"processes\" must be a number of workers");
    }
    if (!coh_question_set_group(
            &ask, cohort_str_n(path.data + start, path.size - start))) {
        return coh_reply_error(request, 404, "there is no such worker group");
    }
    ask.value = (uint32_t)count;
    return coh_question_ask_with(
        admin, request, &ask, cohort_str_n("", 0), answer_done);
}

int
coh_group_patch(struct coh_admin *admin, struct cohort_request *request)
{
    static const char *const known[] = {"processes", NULL};

    return coh_body_read(admin, request, known, on_group, 0);
}
