/* cohort ctl quit and stop. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <cohort/conf.h>

#include "server/admin/call.h"
#include "server/admin/show.h"

#define END_LIMIT_MS 5000 /* of a primary that has said goodbye */

/* What quit was asked to do. */
struct options {
    bool will_wait;
    uint64_t not_ready_ms;
};

/* The last process of all is the primary; whoever waits for us may want to
   start the next one. */
static int
wait_for_end(int pidfd)
{
    struct pollfd primary = {.fd = pidfd, .events = POLLIN};

    if (pidfd >= 0 && poll(&primary, 1, END_LIMIT_MS) == 0) {
        fprintf(
            stderr,
            "cohort: [error] all workers are gone, but the primary is still "
            "there after %d s\n",
            END_LIMIT_MS / 1000);
        return COH_CALL_FAILED;
    }
    return 0;
}

/* The answer comes just before the primary is gone. */
static int
leave(const struct coh_call *call, const char *target, const char *body)
{
    int pidfd = pidfd_open((pid_t)coh_call_pid(call->path), 0);
    int result = coh_call_ask(call, "POST", target, body, coh_show_message);

    if (result == 0) {
        result = wait_for_end(pidfd);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return result;
}

static int
take_time(const char *word, struct options *options)
{
    if (!word ||
        cohort_parse_time_ms(cohort_str(word), &options->not_ready_ms) < 0) {
        fprintf(
            stderr,
            "cohort: [error] --not-ready-first takes a time, as 5s or 500ms\n");
        return -EINVAL;
    }
    return 0;
}

static int
take_options(char **words, struct options *options)
{
    static const char first[] = "--not-ready-first";
    const size_t size = sizeof(first) - 1;
    int result = 0;

    for (; result == 0 && *words; words++) {
        if (strcmp(*words, "--wait") == 0) {
            options->will_wait = true;
        } else if (strcmp(*words, "--no-wait") == 0) {
            options->will_wait = false;
        } else if (strncmp(*words, first, size) == 0 && (*words)[size] == '=') {
            result = take_time(*words + size + 1, options);
        } else if (strcmp(*words, first) == 0) {
            result = take_time(words[1], options);
            words += result == 0;
        } else {
            fprintf(
                stderr,
                "cohort: [error] unknown option %s; cohort ctl -h lists all\n",
                *words);
            result = -EINVAL;
        }
    }
    return result;
}

int
coh_call_quit(const struct coh_call *call)
{
    struct options options = {.will_wait = true};
    char body[96];

    if (take_options(call->words, &options) < 0) {
        return COH_CALL_WRONG_USE;
    }
    snprintf(
        body, sizeof(body), "{\"wait\":%s,\"not_ready_first_ms\":%" PRIu64 "}",
        options.will_wait ? "true" : "false", options.not_ready_ms);
    return options.will_wait
        ? leave(call, "/v1/quit", body)
        : coh_call_ask(call, "POST", "/v1/quit", body, coh_show_message);
}

int
coh_call_stop(const struct coh_call *call)
{
    return leave(call, "/v1/stop", NULL);
}
