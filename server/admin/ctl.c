/* The verbs of cohort ctl: each is a row of a table. */
#include "server/admin/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/conf.h>

#include "core/json.h"
#include "server/admin/call.h"
#include "server/admin/client.h"
#include "server/admin/show.h"

#define WORDS_MAX 1024

/* --- the server ----------------------------------------------------------- */

static int
status(const struct coh_call *call)
{
    return coh_call_ask(call, "GET", "/v1/status", NULL, coh_show_status);
}

static int
workers(const struct coh_call *call)
{
    return coh_call_ask(call, "GET", "/v1/workers", NULL, coh_show_workers);
}

static void
show_reloaded(const struct coh_json *answer)
{
    printf(
        "reload: generation %" PRId64 " serves %s\n",
        coh_show_number(answer, "generation"), coh_show_text(answer, "text"));
}

static int
ask_reload(const struct coh_call *call, const char *body)
{
    return coh_call_ask(call, "POST", "/v1/reload", body, show_reloaded);
}

static int
reload(const struct coh_call *call)
{
    if (!call->words[0]) {
        return ask_reload(call, NULL);
    }
    if (strcmp(call->words[0], "--force") == 0) {
        return ask_reload(call, "{\"force\":true}");
    }
    fprintf(
        stderr, "cohort: [error] unknown option %s; reload takes --force\n",
        call->words[0]);
    return COH_CALL_WRONG_USE;
}

static void
show_upgraded(const struct coh_json *answer)
{
    printf("upgrade: %s\n", coh_show_text(answer, "text"));
}

static int
upgrade(const struct coh_call *call)
{
    return coh_call_ask(call, "POST", "/v1/upgrade", NULL, show_upgraded);
}

static int
reopen(const struct coh_call *call)
{
    return coh_call_ask(call, "POST", "/v1/reopen", NULL, coh_show_message);
}

static int
config(const struct coh_call *call)
{
    return coh_call_ask(call, "GET", "/v1/config", NULL, NULL);
}

static int
metrics(const struct coh_call *call)
{
    return coh_call_ask(call, "GET", "/metrics", NULL, NULL);
}

static int
scale(const struct coh_call *call)
{
    const char *group = call->words[1] ? call->words[0] : "main";
    char target[64];
    char body[64];
    uint64_t count;

    if (coh_call_number(call->words[call->words[1] ? 1 : 0], &count) < 0) {
        return COH_CALL_WRONG_USE;
    }
    if (strlen(group) > 31 || strpbrk(group, "/?#% ")) {
        fprintf(stderr, "cohort: [error] \"%s\" is no group\n", group);
        return COH_CALL_WRONG_USE;
    }
    snprintf(target, sizeof(target), "/v1/groups/%s", group);
    snprintf(body, sizeof(body), "{\"processes\":%" PRIu64 "}", count);
    return coh_call_ask(call, "PATCH", target, body, coh_show_message);
}

/* --- events --------------------------------------------------------------- */

static int
on_line(const char *line, size_t size, void *user)
{
    const struct coh_call *call = user;
    struct coh_json *event = NULL;

    if (call->is_json ||
        coh_json_parse(cohort_str_n(line, size), size, &event, NULL) < 0) {
        printf("%s\n", line);
        fflush(stdout);
    } else {
        coh_show_event(event);
        coh_json_free(event);
    }
    return ferror(stdout) ? -EPIPE : 0;
}

/* "--since=N", "--since N" or "N"; NULL after saying which word is none. */
static const char *
since_word(char **words)
{
    if (!words[1]) {
        return strncmp(words[0], "--since=", 8) == 0 ? words[0] + 8 : words[0];
    }
    if (strcmp(words[0], "--since") == 0) {
        return words[1];
    }
    fprintf(
        stderr, "cohort: [error] unexpected \"%s\"; events takes --since N\n",
        words[words[0][0] != '-']);
    return NULL;
}

static int
events(const struct coh_call *call)
{
    struct coh_client_answer answer;
    char target[64] = "/v1/events";
    struct coh_call own = *call;
    uint64_t since;
    int result;

    if (call->words[0]) {
        const char *word = since_word(call->words);

        if (!word || coh_call_number(word, &since) < 0) {
            return COH_CALL_WRONG_USE;
        }
        snprintf(target, sizeof(target), "/v1/events?since=%" PRIu64, since);
    }
    result = coh_client_follow(call->path, target, on_line, &own, &answer);
    if (result < 0) {
        result = coh_call_say_unreachable(call->path, result);
    } else if (answer.body) {
        result = coh_call_show(&answer, call->is_json, coh_show_message);
    }
    coh_client_answer_fini(&answer);
    return result;
}

/* --- the table ------------------------------------------------------------ */

static const struct verb {
    const char *name;
    const char *arguments;
    int min;
    int max;
    const char *help;
    int (*run)(const struct coh_call *call);
} verbs[] = {
    {"status", "", 0, 0, "what runs, and what became of the last reload",
     status},
    {"workers", "", 0, 0, "all workers, and what they do", workers},
    {"reload", "[--force]", 0, 1,
     "load the configuration anew, wait for the verdict", reload},
    {"scale", "[GROUP] N", 1, 2, "have N workers, wait until they serve",
     scale},
    {"fork", "[GROUP] [N] [--env NAME=VALUE]...", 0, WORDS_MAX,
     "start N workers more (1), with an environment of their own",
     coh_call_fork},
    {"replace", "N | all", 1, 1, "start a successor, then let worker N leave",
     coh_call_replace},
    {"disconnect", "N", 1, 1, "let worker N finish and leave",
     coh_call_disconnect},
    {"kill", "N [SIGNAL]", 1, 2, "send worker N a signal (TERM)",
     coh_call_kill},
    {"message", "N JSON", 2, 2, "send worker N a message", coh_call_message},
    {"upgrade", "", 0, 0,
     "start the binary on disk, leave to it when it serves", upgrade},
    {"reopen", "", 0, 0, "open the log files anew", reopen},
    {"quit", "[--not-ready-first TIME] [--wait | --no-wait]", 0, 5,
     "end the server when all requests are answered", coh_call_quit},
    {"stop", "", 0, 0, "end the server now", coh_call_stop},
    {"events", "[--since N]", 0, 2, "tell what happens, after event N", events},
    {"config", "", 0, 0, "the configuration that is loaded", config},
    {"metrics", "", 0, 0, "all counters, for Prometheus", metrics},
};

/* Of their column in the help; longer ones have a line to themselves. */
#define ARGUMENTS_WIDTH 28

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *
verb_of(const char *name)
{
    for (size_t i = 0; name && i < VERB_COUNT; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

void
coh_ctl_help(char **words)
{
    const struct verb *verb = verb_of(words[0]);

    if (verb) {
        printf(
            "Usage: cohort ctl %s %s\n\n%s\n", verb->name, verb->arguments,
            verb->help);
        return;
    }
    printf("Usage: cohort ctl [--socket PATH] [--json] [-c file] [-p prefix] "
           "[-g directives] verb\n"
           "Options may stand behind the verb, too, up to \"--\".\n\n"
           "Verbs:\n");
    for (size_t i = 0; i < VERB_COUNT; i++) {
        bool is_long = strlen(verbs[i].arguments) > ARGUMENTS_WIDTH;

        printf(
            "  %-10s %-*s%c%*s%s\n", verbs[i].name, ARGUMENTS_WIDTH,
            verbs[i].arguments, is_long ? '\n' : ' ',
            is_long ? ARGUMENTS_WIDTH + 14 : 0, "", verbs[i].help);
    }
    printf(
        "\n--json prints answers as they come. The exit status is 0 if it was "
        "done.\n");
}

/* surplus: the first word that it does not take; NULL: there are too few. */
static void
say_misused(const struct verb *verb, const char *surplus)
{
    const char *space = verb->arguments[0] ? " " : "";

    if (surplus) {
        fprintf(
            stderr, "cohort: [error] %s \"%s\"; usage: cohort ctl %s%s%s\n",
            surplus[0] == '-' ? "unknown option" : "unexpected", surplus,
            verb->name, space, verb->arguments);
    } else {
        fprintf(
            stderr,
            "cohort: [error] \"%s\" needs more; usage: cohort ctl %s%s%s\n",
            verb->name, verb->name, space, verb->arguments);
    }
}

static const struct verb *
find_verb(char **words)
{
    const struct verb *verb = verb_of(words[0]);
    int count = 0;

    if (!verb) {
        fprintf(
            stderr, "cohort: [error] %s%s%s; cohort ctl -h lists all verbs\n",
            words[0] ? "unknown verb \"" : "no verb", words[0] ? words[0] : "",
            words[0] ? "\"" : "");
        return NULL;
    }
    while (words[1 + count]) {
        count++;
    }
    if (count >= verb->min && count <= verb->max) {
        return verb;
    }
    say_misused(verb, count > verb->max ? words[1 + verb->max] : NULL);
    return NULL;
}

bool
coh_ctl_check(char **words)
{
    return find_verb(words) != NULL;
}

int
coh_ctl_run(const char *path, char **words, bool is_json)
{
    const struct verb *verb = find_verb(words);
    struct coh_call call = {
        .path = path, .words = words + 1, .is_json = is_json};

    return verb ? verb->run(&call) : COH_CALL_WRONG_USE;
}

int
coh_ctl_reload(const char *path)
{
    struct coh_call call = {.path = path};

    return ask_reload(&call, NULL);
}

int
coh_ctl_upgrade(const char *path)
{
    struct coh_call call = {.path = path};

    return upgrade(&call);
}

bool
coh_ctl_is_server(const char *path, int pid)
{
    return coh_call_pid(path) == pid;
}
