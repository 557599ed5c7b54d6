/* Workers: all, one, more of them, and what is done to one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <cohort/conf.h>

#include "server/admin/body.h"
#include "server/admin/internal.h"
#include "server/admin/process.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

/* --- rows ------------------------------------------------------------------------ */

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct coh_json *
worker_json(const struct coh_part_worker *worker)
{
    struct coh_json *object = coh_json_object();
    struct coh_process_usage usage;
    uint64_t now = now_ms();

    coh_process_usage(worker->pid, &usage);
    object = coh_set_number(object, "id", worker->id);
    object = coh_set_number(object, "slot", worker->slot);
    object = coh_set_number_or_null(object, "pid", (uint64_t)worker->pid);
    object = coh_set_text(object, "group", worker->group);
    object = coh_set_text(object, "state", worker->state);
    object = worker->reason[0]
        ? coh_set_text(object, "reason", worker->reason)
        : coh_json_set(object, "reason", coh_json_null());
    object = coh_set_number(object, "generation", worker->generation);
    object = coh_set_number(object, "connections", worker->connections);
    object = coh_set_number(object, "requests", worker->requests);
    object = coh_set_number(object, "cpu_ms", usage.cpu_ms);
    object = coh_set_number(object, "rss_bytes", usage.rss);
    object = coh_set_number(
        object, "age_ms", now > worker->start_ms ? now - worker->start_ms : 0);
    return coh_json_set(
        object, "exitedAfterDisconnect",
        worker->is_leaving ? coh_json_boolean(true) : coh_json_null());
}

/* All workers of an answer, appended to the array. */
static struct coh_json *
workers_json(const struct coh_answer *answer)
{
    struct coh_json *array = coh_json_array();
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        const struct coh_part_workers *workers = (const void *)part->head;

        if (part->head->kind != COH_PART_WORKERS) {
            continue;
        }
        for (uint32_t i = 0; i < workers->head.count; i++) {
            array = coh_json_append(array, worker_json(&workers->workers[i]));
        }
    }
    return array;
}

/* --- all --------------------------------------------------------------------------- */

static int
answer_workers(struct cohort_request *request, const struct coh_answer *answer)
{
    if (answer->outcome.result < 0) {
        return coh_answer_refuse(request, answer);
    }
    return coh_reply_json(
        request, 200,
        coh_json_set(coh_json_object(), "workers", workers_json(answer)));
}

int
coh_workers_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(
        admin, request, COH_ASK_WORKERS, 0, 0, answer_workers);
}

static int
answer_grown(struct cohort_request *request, const struct coh_answer *answer)
{
    if (answer->outcome.result < 0) {
        return coh_answer_refuse(request, answer);
    }
    return coh_reply_json(
        request, 201,
        coh_json_set(coh_json_object(), "workers", workers_json(answer)));
}

/* The main group is the only one whose workers are counted, not described. */
static int
on_grow(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t user)
{
    struct cohort_str group = cohort_str("main");
    int64_t count = 0;
    int verdict = 0;
    int result = coh_json_get_string(coh_json_member(body, "group"), &group);

    (void)user;
    if ((result < 0 && result != -ENOENT) || strcmp(group.data, "main") != 0) {
        return coh_reply_error(
            request, 422, "\"group\" must be \"main\": there is no other");
    }
    if (coh_json_member(body, "env")) {
        return coh_reply_error(
            request, 422,
            "workers of main are forked from what was loaded: no \"env\"");
    }
    if (coh_body_number(request, body, "count", 1, 4096, 1, &count, &verdict) <
        0) {
        return verdict;
    }
    return coh_question_ask(
        admin, request, COH_ASK_GROW, 0, (uint32_t)count, answer_grown);
}

int
coh_workers_post(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_body_read(admin, request, on_grow, 0);
}

/* --- one --------------------------------------------------------------------------- */

static int
answer_worker(struct cohort_request *request, const struct coh_answer *answer)
{
    const struct coh_part_workers *found = coh_answer_find(
        answer, COH_PART_WORKERS,
        sizeof(found->head) + sizeof(found->workers[0]));

    if (answer->outcome.result < 0 || !found) {
        return coh_answer_refuse(request, answer);
    }
    return coh_reply_json(request, 200, worker_json(&found->workers[0]));
}

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
        admin, request, COH_ASK_REPLACE, id, 0, answer_workers);
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

static const struct {
    const char *name;
    int (*act)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t id);
} actions[] = {
    {"/disconnect", disconnect},
    {"/kill", kill_worker},
    {"/replace", replace},
};

static int
act(struct coh_admin *admin, struct cohort_request *request,
    struct cohort_str action, uint64_t id)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (action.size != strlen(actions[i].name) ||
            memcmp(action.data, actions[i].name, action.size) != 0) {
            continue;
        }
        return coh_is_method(request, "POST")
            ? coh_body_read(admin, request, actions[i].act, id)
            : coh_reply_method(request, "POST");
    }
    return coh_reply_error(
        request, 404, "a worker knows /disconnect, /kill and /replace");
}

/* /v1/workers/ID and /v1/workers/ID/ACTION */
int
coh_worker_any(struct coh_admin *admin, struct cohort_request *request)
{
    size_t start = strlen("/v1/workers/");
    struct cohort_str path = cohort_request_path(request);
    struct cohort_str rest = cohort_str_n(path.data + start, path.size - start);
    size_t digits = 0;
    uint64_t id;

    while (digits < rest.size && rest.data[digits] != '/') {
        digits++;
    }
    if (cohort_parse_number(cohort_str_n(rest.data, digits), UINT64_MAX, &id) <
            0 ||
        id == 0) {
        return coh_reply_error(request, 404, "a worker's id is a number");
    }
    if (digits < rest.size) {
        return act(
            admin, request,
            cohort_str_n(rest.data + digits, rest.size - digits), id);
    }
    return coh_is_method(request, "GET")
        ? coh_question_ask(
              admin, request, COH_ASK_WORKERS, id, 0, answer_worker)
        : coh_reply_method(request, "GET, HEAD");
}
