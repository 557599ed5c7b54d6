/* An http {} block that is read from a text, and what was told about it. */
#ifndef COH_TESTS_HTTP_READ_H
#define COH_TESTS_HTTP_READ_H

#include "conf/apply.h"
#include "http/registry.h"

struct reading {
    struct coh_conf conf;
    struct coh_http_block *block; /* NULL if there were errors */
    char told[8192];              /* all messages; each begins with its kind */
};

/* Read "http { TEXT }". */
struct reading *read_http(const char *text);
void read_free(struct reading *reading);

/* Fail unless reading the text tells something that contains message. */
void expect_told(const char *text, const char *message);

/* The same of all messages, up to NULL: one error hides no other. */
void expect_told_all(const char *text, const char *const *messages);

#endif
