/* One response as it comes: its head, and every byte of its body. */
#ifndef COHORT_TESTS_FAULTS_CLIENT_RESPONSE_H
#define COHORT_TESTS_FAULTS_CLIENT_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEAD_MAX 4096

/* What a right body is. */
struct expected {
    const char *body;
    size_t size;
};

struct response {
    char head[RESPONSE_HEAD_MAX];
    size_t head_size;
    bool is_body; /* the head is whole */
    bool is_wrong;
    bool closes; /* Connection: close */
    long worker; /* X-Worker, 0 if there is none */
    uint64_t body_size;
    uint64_t body_received;
};

void response_start(struct response *response);

/*
 * Take bytes that came.
 *
 * Returns  how many belong to this response; less than size if more came than
 *          was asked for. -EPROTO for what is no response with a length.
 */
int response_feed(
    struct response *response, const struct expected *expected,
    const char *data, size_t size);

bool response_is_complete(const struct response *response);

#endif
