/* Requests to a harness, and what their answers must say. */
#include "tests/http/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/core/test.h"

const char *
ask_raw(struct harness *harness, const char *head)
{
    int fd = harness_connect_tcp(harness);
    char request[8192];
    int size =
        snprintf(request, sizeof(request), "%sConnection: close\r\n\r\n", head);
    const char *answer = harness_exchange(harness, fd, request, (size_t)size);

    close(fd);
    harness_turn(harness);
    return answer;
}

const char *
ask(struct harness *harness, const char *target, const char *fields)
{
    char head[8000];

    snprintf(
        head, sizeof(head), "GET %s HTTP/1.1\r\nHost: test\r\n%s", target,
        fields);
    return ask_raw(harness, head);
}

const char *
body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");

    return end ? end + 4 : "";
}

void
expect_status(const char *answer, int status)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || atoi(answer + 9) != status) {
        fail_msg("no %d: %s", status, answer);
    }
}

void
expect_has(const char *answer, const char *text)
{
    if (!strstr(answer, text)) {
        fail_msg("no \"%s\" in: %s", text, answer);
    }
}

void
expect_lacks(const char *answer, const char *text)
{
    if (strstr(answer, text)) {
        fail_msg("\"%s\" in: %s", text, answer);
    }
}
