/* Requests to a harness, and what their answers must say. */
#ifndef COH_TESTS_HTTP_ASK_H
#define COH_TESTS_HTTP_ASK_H

#include "tests/http/harness.h"

/* The answer to "GET TARGET" with Host: test and further fields (each with its
   CRLF), over a TCP connection of its own. */
const char *ask(
    struct harness *harness, const char *target, const char *fields);

/* The same with any text as the head's beginning: a line, and fields. */
const char *ask_raw(struct harness *harness, const char *head);

/* What follows the head of an answer. */
const char *body_of(const char *answer);

/* Fail unless the answer begins with the status, or has the text. */
void expect_status(const char *answer, int status);
void expect_has(const char *answer, const char *text);
void expect_lacks(const char *answer, const char *text);

#endif
