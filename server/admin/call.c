/* Asking, and showing the answer. */
#include "server/admin/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cohort/conf.h>

#include "core/json.h"
#include "server/admin/show.h"

#define ANSWER_MAX (64 * 1024 * 1024)

int
coh_call_say_unreachable(const char *path, int error)
{
    const char *hint = error == -EACCES
        ? "only root, the user that started the server, and the socket's "
          "group may connect"
        : "is the server running, and with this configuration? -c, -p and "
          "--socket name another one";

    fprintf(
        stderr, "cohort: [error] cannot ask %s: %s; %s\n", path,
        strerror(-error), hint);
    return COH_CALL_FAILED;
}

int
coh_call_show(
    const struct coh_client_answer *answer, bool is_json,
    void (*in_words)(const struct coh_json *value))
{
    bool is_done = answer->status < 300;
    struct coh_json *value = NULL;

    if (is_json || !in_words) {
        fwrite(answer->body, 1, answer->size, is_done ? stdout : stderr);
    } else if (
        coh_json_parse(
            cohort_str_n(answer->body, answer->size), ANSWER_MAX, &value,
            NULL) < 0) {
        fprintf(
            stderr, "cohort: [error] the answer (status %d) is no JSON\n",
            answer->status);
        is_done = false;
    } else {
        (is_done ? in_words : coh_show_error)(value);
    }
    coh_json_free(value);
    return is_done ? 0 : COH_CALL_FAILED;
}

int
coh_call_ask(
    const struct coh_call *call, const char *method, const char *target,
    const char *body, void (*in_words)(const struct coh_json *value))
{
    struct coh_client_answer answer;
    int result = coh_client_ask(call->path, method, target, body, &answer);

    result = result < 0 ? coh_call_say_unreachable(call->path, result)
                        : coh_call_show(&answer, call->is_json, in_words);
    coh_client_answer_fini(&answer);
    return result;
}

struct coh_json *
coh_call_get(const char *path, const char *target, int *status)
{
    struct coh_client_answer answer;
    struct coh_json *value = NULL;
    int result = coh_client_ask(path, "GET", target, NULL, &answer);

    if (result == 0 && answer.status == 200) {
        result = coh_json_parse(
            cohort_str_n(answer.body, answer.size), ANSWER_MAX, &value, NULL);
    }
    if (!value && status) {
        *status = result < 0 ? coh_call_say_unreachable(path, result)
                             : coh_call_show(&answer, false, coh_show_error);
    }
    coh_client_answer_fini(&answer);
    return value;
}

int64_t
coh_call_pid(const char *path)
{
    struct coh_json *value = coh_call_get(path, "/v1/status", NULL);
    int64_t pid = coh_show_number(value, "pid");

    coh_json_free(value);
    return pid;
}

int
coh_call_number(const char *word, uint64_t *number)
{
    if (cohort_parse_number(cohort_str(word), UINT32_MAX, number) == 0) {
        return 0;
    }
    fprintf(stderr, "cohort: [error] \"%s\" must be a number\n", word);
    return -EINVAL;
}
