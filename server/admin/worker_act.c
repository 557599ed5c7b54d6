/* What is done to one worker: disconnect, kill, replace, messages. */
#include <signal.h>
#include <string.h>
#include <strings.h>

#include <cohort/conf.h>

#include "server/admin/body.h"
#include "server/admin/internal.h"
#include "server/admin/reply.h"
#include "server/admin/workers.h"

static int
answer_told(struct cohort_request *request, const struct coh_answer *answer)
{
    return answer->outcome.result < 0
        ? coh_answer_refuse(request, answer)
        : coh_reply_json(
              request, 202, coh_set_flag(coh_json_object(), "told", true));
}

static int
disconnect(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t id)
{
    (void)body;
    return coh_question_ask(
        admin, request, COH_ASK_DISCONNECT, id, 0, answer_told);
}

static int
replace(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t id)
{
    (void)body;
    return coh_question_ask(
        admin, request, COH_ASK_REPLACE, id, 0, coh_workers_answer);
}

/* "TERM", "SIGTERM" or "15"; 0: there is none of this name. */
static int
signal_of(struct cohort_str name)
{
    const char *text = name.data;
    uint64_t number;

    if (cohort_parse_number(name, 31, &number) == 0) {
        return (int)number;
    }
    if (strlen(text) != name.size) {
        return 0; /* it goes on behind a NUL */
    }
    if (strncasecmp(text, "SIG", 3) == 0) {
        text += 3;
    }
    for (int i = 1; i < 32; i++) {
        if (sigabbrev_np(i) && strcasecmp(text, sigabbrev_np(i)) == 0) {
            return i;
        }
    }
    return 0;
}

static int
kill_worker(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t id)
{
    const struct coh_json *member = coh_json_member(body, "signal");
    struct cohort_str name = {0};
    int64_t number = SIGTERM;

    if (coh_json_get_string(member, &name) == 0) {
        number = signal_of(name);
    } else if (member && coh_json_get_integer(member, 1, 31, &number) < 0) {
        number = 0;
    }
    if (number == 0) {
        return coh_reply_error(
            request, 422,
            "\"signal\" must be the name of a signal, as \"TERM\", or its "
            "number");
    }
    return coh_question_ask(
        admin, request, COH_ASK_KILL, id, (uint32_t)number, answer_told);
}

static int
send_message(
    struct coh_admin *admin, struct cohort_request *request,
    struct cohort_str text, uint64_t id)
{
    const struct coh_frame_ask ask = {.verb = COH_ASK_MESSAGE, .worker_id = id};

    return coh_question_ask_with(admin, request, &ask, text, answer_told);
}

static const char *const kill_members[] = {"signal", NULL};

static const struct action {
    const char *name;
    const char *const *members; /* of the body; NULL: none */
    /* One of them gets the body. */
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t id);
    int (*on_text)(
        struct coh_admin *admin, struct cohort_request *request,
        struct cohort_str text, uint64_t id);
} actions[] = {
    {"/disconnect", .on_body = disconnect},
    {"/kill", kill_members, .on_body = kill_worker},
    {"/replace", .on_body = replace},
    {"/messages", .on_text = send_message},
};

static int
read_body(
    struct coh_admin *admin, struct cohort_request *request,
    const struct action *action, uint64_t id)
{
    return action->on_text
        ? coh_body_read_text(
              admin, request, COH_ADMIN_MESSAGE_MAX, action->on_text, id)
        : coh_body_read(admin, request, action->members, action->on_body, id);
}

int
coh_worker_act(
    struct coh_admin *admin, struct cohort_request *request,
    struct cohort_str action, uint64_t id)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (action.size != strlen(actions[i].name) ||
            memcmp(action.data, actions[i].name, action.size) != 0) {
            continue;
        }
        return coh_is_method(request, "POST")
            ? read_body(admin, request, &actions[i], id)
            : coh_reply_method(request, "POST");
    }
    return coh_reply_error(
        request, 404,
        "a worker knows /disconnect, /kill, /replace and /messages");
}
