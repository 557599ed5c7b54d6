/* The server as a whole: GET /v1/status, /v1/config, /healthz, /readyz. */
#include <cohort/cohort.h>

#include <unistd.h>

#include "server/admin/internal.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

/* --- /v1/status ----------------------------------------------------------- */

static struct coh_json *
workers_json(const struct coh_part_status *status)
{
    struct coh_json *object = coh_json_object();

    object = coh_set_number(object, "target", status->target);
    object = coh_set_number(object, "max", status->worker_max);
    object = coh_set_number(object, "starting", status->counts[0]);
    object = coh_set_number(object, "ready", status->counts[1]);
    object = coh_set_number(object, "serving", status->counts[2]);
    object = coh_set_number(object, "draining", status->counts[3]);
    return coh_set_number(object, "waiting", status->waiting);
}

static struct coh_json *
reload_json(const struct coh_part_status *status, size_t size)
{
    const char *text = (const char *)(status + 1);
    struct coh_json *object = coh_json_object();

    if (status->reload_ms == 0) {
        coh_json_free(object);
        return coh_json_null();
    }
    object = coh_set_text(object, "verdict", status->reload_verdict);
    object = coh_set_number(object, "generation", status->reload_generation);
    object = coh_set_time(object, "time", status->reload_ms);
    object = coh_set_number(object, "took_ms", status->reload_took_ms);
    return coh_json_set(
        object, "text",
        coh_text_json(cohort_str_n(text, size - sizeof(*status))));
}

static struct coh_json *
settings_json(const struct coh_part_status *status)
{
    struct coh_json *object = coh_json_object();

    object =
        coh_set_number(object, "worker_processes", status->worker_processes);
    object = coh_set_number(object, "worker_processes_max", status->worker_max);
    object = coh_set_text(object, "worker_sandbox", status->worker_sandbox);
    object =
        coh_set_number(object, "reload_timeout_ms", status->reload_timeout_ms);
    return coh_set_number_or_null(
        object, "worker_shutdown_timeout_ms", status->shutdown_timeout_ms);
}

static struct coh_json *
addresses_json(const struct coh_answer *answer)
{
    struct coh_json *array = coh_json_array();
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        const struct coh_part_address *address = (const void *)part->head;

        if (part->head->kind == COH_PART_ADDRESS) {
            struct coh_json *object = coh_json_object();

            object = coh_set_text(object, "address", address->address);
            object = coh_set_text(object, "policy", address->policy);
            object = coh_set_text(object, "group", address->group);
            array = coh_json_append(array, object);
        }
    }
    return array;
}

static struct coh_json *
generations_json(const struct coh_answer *answer)
{
    struct coh_json *array = coh_json_array();
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        const struct coh_part_generation *generation = (const void *)part->head;

        if (part->head->kind == COH_PART_GENERATION) {
            struct coh_json *object = coh_json_object();

            object = coh_set_number(object, "generation", generation->number);
            object = coh_set_text(object, "state", generation->state);
            object =
                coh_set_number(object, "workers", generation->worker_count);
            array = coh_json_append(array, object);
        }
    }
    return array;
}

static struct coh_json *
group_json(const struct coh_part_group *group)
{
    struct coh_json *object = coh_json_object();

    object = coh_set_text(object, "group", group->name);
    object = coh_set_text(object, "protocol", group->protocol);
    object = coh_set_text(object, "program", group->program);
    object = coh_set_number(object, "generation", group->generation);
    object = coh_set_number(object, "target", group->target);
    object = coh_set_number(object, "max", group->max);
    object = coh_set_number(object, "starting", group->counts[0]);
    object = coh_set_number(object, "ready", group->counts[1]);
    object = coh_set_number(object, "serving", group->counts[2]);
    return coh_set_number(object, "draining", group->counts[3]);
}

static struct coh_json *
groups_json(const struct coh_answer *answer)
{
    struct coh_json *array = coh_json_array();
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        if (part->head->kind == COH_PART_GROUP) {
            array =
                coh_json_append(array, group_json((const void *)part->head));
        }
    }
    return array;
}

/* In any group. */
static bool
has_serving_worker(const struct coh_answer *answer)
{
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        const struct coh_part_group *group = (const void *)part->head;

        if (part->head->kind == COH_PART_GROUP && group->counts[2] > 0) {
            return true;
        }
    }
    return false;
}

static size_t
size_of(const struct coh_answer *answer, const void *frame)
{
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        if (part->head == frame) {
            return part->size;
        }
    }
    return 0;
}

static int
answer_status(struct cohort_request *request, const struct coh_answer *answer)
{
    const struct coh_part_status *status =
        coh_answer_find(answer, COH_PART_STATUS, sizeof(*status));
    struct coh_json *object = coh_json_object();

    if (!status) {
        coh_json_free(object);
        return coh_answer_refuse(request, answer);
    }
    object = coh_set_text(object, "version", cohort_version());
    object = coh_set_number(object, "pid", (uint64_t)status->pid);
    object = coh_set_number(object, "admin_pid", (uint64_t)getpid());
    object = coh_set_text(object, "state", status->state);
    object = coh_set_time(object, "started", status->start_ms);
    object =
        coh_set_number(object, "uptime_ms", coh_ms_since(status->start_ms));
    object = coh_set_text_or_null(object, "policy", status->policy);
    object = coh_set_number_or_null(object, "generation", status->generation);
    object = coh_set_number_or_null(object, "loading", status->loading);
    object = coh_set_flag(object, "has_template", status->has_template);
    object = coh_set_flag(object, "is_paused", status->is_paused);
    object = coh_set_flag(object, "is_departing", status->is_departing);
    object = coh_json_set(object, "workers", workers_json(status));
    object = coh_json_set(object, "groups", groups_json(answer));
    object = coh_json_set(object, "listeners", addresses_json(answer));
    object = coh_json_set(object, "generations", generations_json(answer));
    object = coh_json_set(object, "settings", settings_json(status));
    object = coh_json_set(
        object, "reload", reload_json(status, size_of(answer, status)));
    object = coh_set_number(object, "last_event", status->event);
    return coh_reply_json(request, 200, object);
}

int
coh_status_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(
        admin, request, COH_ASK_STATUS, 0, 0, answer_status);
}

/* --- /v1/config ----------------------------------------------------------- */

static int
answer_config(struct cohort_request *request, const struct coh_answer *answer)
{
    const struct coh_answer_part *part = STAILQ_FIRST(&answer->parts);

    if (!part || !part->text) {
        return coh_reply_error(
            request, 503, "the configuration is not known now");
    }
    return cohort_respond(
        request, 200, "text/plain; charset=utf-8", part->text, part->text_size);
}

int
coh_config_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(
        admin, request, COH_ASK_CONFIGURATION, 0, 0, answer_config);
}

/* --- probes --------------------------------------------------------------- */

/* Whoever answers lives, and so does the primary. */
static int
answer_health(struct cohort_request *request, const struct coh_answer *answer)
{
    (void)answer;
    return cohort_respond_text(request, 200, "ok\n");
}

int
coh_healthz_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(
        admin, request, COH_ASK_STATUS, 0, 0, answer_health);
}

static int
answer_ready(struct cohort_request *request, const struct coh_answer *answer)
{
    const struct coh_part_status *status =
        coh_answer_find(answer, COH_PART_STATUS, sizeof(*status));

    if (!status || status->generation == 0) {
        return cohort_respond_text(request, 503, "no generation serves\n");
    }
    if (status->is_departing) {
        return cohort_respond_text(request, 503, "about to leave\n");
    }
    return !has_serving_worker(answer)
        ? cohort_respond_text(request, 503, "no worker serves\n")
        : cohort_respond_text(request, 200, "ready\n");
}

int
coh_readyz_get(struct coh_admin *admin, struct cohort_request *request)
{
    return coh_question_ask(admin, request, COH_ASK_STATUS, 0, 0, answer_ready);
}
