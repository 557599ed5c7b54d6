/* A client of the admin socket: one request per connection, HTTP/1.0, so that a
   body simply lasts until the end. */
#ifndef COH_ADMIN_CLIENT_H
#define COH_ADMIN_CLIENT_H

#include <stddef.h>

struct coh_client_answer {
    int status;
    char *body; /* NUL-terminated; the caller's: coh_client_answer_fini */
    size_t size;
};

/*
 * Ask and wait for the whole answer.
 *
 * path     Of the socket.
 * body     JSON, or NULL.
 * Process  Any; blocks; a GET for a few seconds at most, others only until they
 *          are connected.
 * Returns  0; -ENOENT or -ECONNREFUSED: nobody serves there; -EACCES;
 *          -ETIMEDOUT; -EPROTO: what came is no HTTP, or was cut off; -EFBIG;
 *          -errno.
 */
int coh_client_ask(
    const char *path, const char *method, const char *target, const char *body,
    struct coh_client_answer *answer);
void coh_client_answer_fini(struct coh_client_answer *answer);

/*
 * GET a body that may never end.
 *
 * on_line  Called with each line of a 200's body, without its end; negative: no
 *          more is wanted, and that is returned.
 * answer   What was answered if it was no 200; else its body is NULL.
 * Returns  0 at its end; -errno as above.
 */
int coh_client_follow(
    const char *path, const char *target,
    int (*on_line)(const char *line, size_t size, void *user), void *user,
    struct coh_client_answer *answer);

#endif
