/* The verbs about one worker. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "server/admin/call.h"
#include "server/admin/show.h"

static int
act(const struct coh_call *call, uint64_t id, const char *action,
    const char *body, void (*in_words)(const struct coh_json *value))
{
    char target[96];

    snprintf(target, sizeof(target), "/v1/workers/%" PRIu64 "/%s", id, action);
    return coh_call_ask(call, "POST", target, body, in_words);
}

static void
show_told(const struct coh_json *answer)
{
    (void)answer;
    printf("it was told\n");
}

int
coh_call_disconnect(const struct coh_call *call)
{
    uint64_t id;

    return coh_call_number(call->words[0], &id) < 0
        ? COH_CALL_WRONG_USE
        : act(call, id, "disconnect", NULL, show_told);
}

int
coh_call_kill(const struct coh_call *call)
{
    const char *name = call->words[1] ? call->words[1] : "TERM";
    char body[64];
    uint64_t id;

    if (coh_call_number(call->words[0], &id) < 0) {
        return COH_CALL_WRONG_USE;
    }
    if (strlen(name) > 16 || strpbrk(name, "\"\\")) {
        fprintf(stderr, "cohort: [error] \"%s\" is no signal\n", name);
        return COH_CALL_WRONG_USE;
    }
    snprintf(body, sizeof(body), "{\"signal\":\"%s\"}", name);
    return act(call, id, "kill", body, show_told);
}

/* Replace one of all. Who has ended or is about to leave needs no successor of
   ours: that is no error. */
static int
replace_one_of_all(
    const struct coh_call *call, uint64_t id,
    void (**in_words)(const struct coh_json *value))
{
    struct coh_client_answer answer;
    char target[96];
    int result;

    snprintf(target, sizeof(target), "/v1/workers/%" PRIu64 "/replace", id);
    result = coh_client_ask(call->path, "POST", target, NULL, &answer);
    if (result < 0) {
        result = coh_call_say_unreachable(call->path, result);
    } else if (answer.status != 404 && answer.status != 409) {
        result = coh_call_show(&answer, call->is_json, *in_words);
        *in_words = coh_show_more_workers; /* one table */
    }
    coh_client_answer_fini(&answer);
    return result;
}

/* One after the other: each has its successor before the next one goes. */
static int
replace_all(const struct coh_call *call)
{
    void (*in_words)(const struct coh_json *value) = coh_show_workers;
    int result = 0;
    struct coh_json *value = coh_call_get(call->path, "/v1/workers", &result);
    const struct coh_json *workers = coh_json_member(value, "workers");

    for (size_t i = 0; result == 0 && i < coh_json_count(workers); i++) {
        const struct coh_json *worker = coh_json_element(workers, i);

        if (strcmp(coh_show_text(worker, "state"), "serving") == 0) {
            result = replace_one_of_all(
                call, (uint64_t)coh_show_number(worker, "id"), &in_words);
        }
    }
    coh_json_free(value);
    return result;
}

int
coh_call_replace(const struct coh_call *call)
{
    uint64_t id;

    if (strcmp(call->words[0], "all") == 0) {
        return replace_all(call);
    }
    return coh_call_number(call->words[0], &id) < 0
        ? COH_CALL_WRONG_USE
        : act(call, id, "replace", NULL, coh_show_workers);
}

/* The server says what is wrong with the JSON, and where. */
int
coh_call_message(const struct coh_call *call)
{
    uint64_t id;

    return coh_call_number(call->words[0], &id) < 0
        ? COH_CALL_WRONG_USE
        : act(call, id, "messages", call->words[1], show_told);
}
