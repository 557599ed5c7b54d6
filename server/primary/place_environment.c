/* Lists of NAME=VALUE that outlive the request they came with. */
#include "server/primary/place_environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/channel/message.h"

bool
coh_place_environment_is_valid(struct cohort_str text)
{
    const char *at = text.data;
    const char *end = text.data + text.size;

    if (text.size > COH_ENVIRONMENT_MAX || (text.size > 0 && end[-1] != '\0')) {
        return false;
    }
    for (; at < end; at += strlen(at) + 1) {
        if (at[0] == '=' || !strchr(at, '=')) {
            return false;
        }
    }
    return true;
}

int
coh_place_environment_set(
    struct coh_place_environment *environment, struct cohort_str text)
{
    coh_place_environment_forget(environment);
    if (text.size == 0) {
        return 0;
    }
    environment->data = malloc(text.size);
    if (!environment->data) {
        return -ENOMEM;
    }
    memcpy(environment->data, text.data, text.size);
    environment->size = text.size;
    return 0;
}

void
coh_place_environment_forget(struct coh_place_environment *environment)
{
    free(environment->data);
    *environment = (struct coh_place_environment){.data = NULL};
}

int
coh_place_environment_words(
    const struct coh_place_environment *environment, const char ***words)
{
    const char *at = environment->data;
    size_t count = 0;

    *words = NULL;
    if (!environment->data) {
        return 0;
    }
    /* None is shorter than its NUL. */
    *words = calloc(environment->size + 1, sizeof(**words));
    if (!*words) {
        return -ENOMEM;
    }
    for (; at < environment->data + environment->size; at += strlen(at) + 1) {
        (*words)[count++] = at;
    }
    return 0;
}
