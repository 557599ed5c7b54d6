/* POST /v1/workers: more of them, with an environment of their own. */
#include <errno.h>
#include <string.h>

#include "server/admin/body.h"
#include "server/admin/internal.h"
#include "server/admin/reply.h"
#include "server/admin/workers.h"

#define WORKERS_MAX 4096 /* what worker_processes takes */

static int
answer_forked(struct cohort_request *request, const struct coh_answer *answer)
{
    if (answer->outcome.result < 0) {
        return coh_answer_refuse(request, answer);
    }
    return coh_reply_json(
        request, 201,
        coh_json_set(coh_json_object(), "workers", coh_workers_json(answer)));
}

/* --- "env" ---------------------------------------------------------------- */

/* "NAME=VALUE", a NUL behind each. */
struct environment {
    size_t size;
    char text[COH_ADMIN_ENVIRONMENT_MAX];
};

/* Neither ends early where it is read as a text. */
static bool
is_variable(const char *name, struct cohort_str value)
{
    return name[0] && !strchr(name, '=') &&
        !memchr(value.data, '\0', value.size);
}

/* 0; -EINVAL; -E2BIG. */
static int
add_variable(const char *name, const struct coh_json *value, void *user)
{
    struct environment *environment = user;
    size_t name_size = strlen(name);
    struct cohort_str text;
    char *end;

    if (coh_json_get_string(value, &text) < 0 || !is_variable(name, text)) {
        return -EINVAL;
    }
    if (name_size + text.size + 2 >
        sizeof(environment->text) - environment->size) {
        return -E2BIG;
    }
    end = environment->text + environment->size;
    memcpy(end, name, name_size);
    end[name_size] = '=';
    memcpy(end + name_size + 1, text.data, text.size);
    end[name_size + 1 + text.size] = '\0';
    environment->size += name_size + text.size + 2;
    return 0;
}

/* As in body.h: 0, or what was answered is in *verdict. */
static int
read_environment(
    struct cohort_request *request, const struct coh_json *member,
    struct environment *environment, int *verdict)
{
    int result = member && coh_json_kind(member) != COH_JSON_OBJECT
        ? -EINVAL
        : coh_json_walk(member, add_variable, environment);

    if (result < 0) {
        *verdict = coh_reply_error(
            request, 422,
            result == -E2BIG
                ? "\"env\" is too long: %d bytes are possible"
                : "\"env\" must be an object of names and texts, and hold no "
                  "\"=\" in a name and no NUL",
            COH_ADMIN_ENVIRONMENT_MAX);
    }
    return result;
}

/* --- the whole ------------------------------------------------------------ */

static int
on_fork(
    struct coh_admin *admin, struct cohort_request *request,
    const struct coh_json *body, uint64_t user)
{
    struct cohort_str group = cohort_str("main");
    struct environment environment = {.size = 0};
    struct coh_frame_ask ask = {.verb = COH_ASK_GROW};
    int64_t count = 0;
    int verdict = 0;
    int result = coh_json_get_string(coh_json_member(body, "group"), &group);

    (void)user;
    if ((result < 0 && result != -ENOENT) ||
        !coh_question_set_group(&ask, group)) {
        return coh_reply_error(
            request, 422, "\"group\" must be the name of a worker group");
    }
    if (coh_body_number(
            request, body, "count", 1, WORKERS_MAX, 1, &count, &verdict) < 0 ||
        read_environment(
            request, coh_json_member(body, "env"), &environment, &verdict) <
            0) {
        return verdict;
    }
    ask.value = (uint32_t)count;
    return coh_question_ask_with(
        admin, request, &ask, cohort_str_n(environment.text, environment.size),
        answer_forked);
}

int
coh_workers_post(struct coh_admin *admin, struct cohort_request *request)
{
    static const char *const known[] = {"group", "count", "env", NULL};

    return coh_body_read(admin, request, known, on_fork, 0);
}
