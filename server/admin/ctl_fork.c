/* The verb that starts workers: fork [GROUP] [N] [--env NAME=VALUE]... */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "server/admin/call.h"
#include "server/admin/show.h"

#define BODY_MAX (64 * 1024) /* what the server takes */
#define NAME_MAX_SIZE 255

/* The word's variable as a member. 0 or -EINVAL after saying so. */
static int
add_variable(const char *word, struct coh_json **env)
{
    size_t size = strcspn(word, "=");
    char name[NAME_MAX_SIZE + 1];

    if (size == 0 || size > NAME_MAX_SIZE || word[size] == '\0') {
        fprintf(
            stderr, "cohort: [error] \"%s\" is no NAME=VALUE for --env\n",
            word);
        return COH_CALL_WRONG_USE;
    }
    memcpy(name, word, size);
    name[size] = '\0';
    *env =
        coh_json_set(*env, name, coh_json_string(cohort_str(word + size + 1)));
    return 0;
}

static bool
is_number(const char *word)
{
    return word[strspn(word, "0123456789")] == '\0';
}

/* The words of the call as the body's members. An exit status. */
static int
read_words(
    char **words, struct coh_json **env, uint64_t *count, const char **group)
{
    int result = 0;

    if (*words && strncmp(*words, "--", 2) != 0 && !is_number(*words)) {
        *group = *words++;
    }
    for (; result == 0 && *words; words++) {
        if (strncmp(*words, "--env=", 6) == 0) {
            result = add_variable(*words + 6, env);
        } else if (strcmp(*words, "--env") == 0) {
            words += words[1] ? 1 : 0;
            result = add_variable(*words, env);
        } else if (coh_call_number(*words, count) < 0) {
            result = COH_CALL_WRONG_USE;
        }
    }
    return result;
}

int
coh_call_fork(const struct coh_call *call)
{
    struct coh_json *env = coh_json_object();
    struct coh_json *body = coh_json_object();
    const char *group = "main";
    uint64_t count = 1;
    char text[BODY_MAX];
    int result = read_words(call->words, &env, &count, &group);
    ssize_t size;

    body = coh_json_set(body, "group", coh_json_string(cohort_str(group)));
    body = coh_json_set(body, "count", coh_json_integer((int64_t)count));
    body = coh_json_set(body, "env", env);
    size = coh_json_write(body, text, sizeof(text) - 1);
    coh_json_free(body);
    if (result != 0) {
        return result;
    }
    if (size < 0) {
        fprintf(
            stderr,
            "cohort: [error] the environment is too long, or no UTF-8\n");
        return COH_CALL_WRONG_USE;
    }
    text[size] = '\0';
    return coh_call_ask(call, "POST", "/v1/workers", text, coh_show_workers);
}
