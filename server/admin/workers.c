/* Workers as they are told: all, or one. */
#include "server/admin/workers.h"

#include <string.h>

#include <cohort/conf.h>

#include "server/admin/internal.h"
#include "server/admin/process.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

/* --- rows ----------------------------------------------------------------- */

/* Programs do not tell everything. */
static struct coh_json *
set_known(struct coh_json *object, const char *name, uint64_t number)
{
    return number == COH_ADMIN_UNKNOWN
        ? coh_json_set(object, name, coh_json_null())
        : coh_set_number(object, name, number);
}

static struct coh_json *
worker_json(const struct coh_part_worker *worker)
{
    struct coh_json *object = coh_json_object();
    struct coh_process_usage usage;

    coh_process_usage(worker->pid, &usage);
    object = coh_set_number(object, "id", worker->id);
    object = worker->slot == COH_ADMIN_NOBODY
        ? coh_json_set(object, "slot", coh_json_null())
        : coh_set_number(object, "slot", worker->slot);
    object = coh_set_number_or_null(object, "pid", (uint64_t)worker->pid);
    object = coh_set_text(object, "group", worker->group);
    object = coh_set_text(object, "state", worker->state);
    object = worker->reason[0]
        ? coh_set_text(object, "reason", worker->reason)
        : coh_json_set(object, "reason", coh_json_null());
    object = coh_set_number(object, "generation", worker->generation);
    object = set_known(object, "connections", worker->connections);
    object = set_known(object, "requests", worker->requests);
    object = coh_set_number(object, "cpu_ms", usage.cpu_ms);
    object = coh_set_number(object, "rss_bytes", usage.rss);
    object = set_known(object, "loop_lag_ms", worker->lag_ms);
    object = coh_set_number(object, "age_ms", coh_ms_since(worker->start_ms));
    return coh_json_set(
        object, "exitedAfterDisconnect",
        worker->is_leaving ? coh_json_boolean(true) : coh_json_null());
}

/* All workers of an answer, appended to the array. */
struct coh_json *
coh_workers_json(const struct coh_answer *answer)
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

/* --- all ------------------------------------------------------------------ */

int
coh_workers_answer(
    struct cohort_request *request, const struct coh_answer *answer)
{
    if (answer->outcome.result < 0) {
        return coh_answer_refuse(request, answer);
    }
    return coh_reply_json(
        request, 200,
        coh_json_set(coh_json_object(), "workers", coh_workers_json(answer)));
}

int
coh_workers_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(
        admin, request, COH_ASK_WORKERS, 0, 0, coh_workers_answer);
}

/* --- one ------------------------------------------------------------------ */

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
        return coh_worker_act(
            admin, request,
            cohort_str_n(rest.data + digits, rest.size - digits), id);
    }
    return coh_is_method(request, "GET")
        ? coh_question_ask(
              admin, request, COH_ASK_WORKERS, id, 0, answer_worker)
        : coh_reply_method(request, "GET, HEAD");
}
