/* Files behind paths: their names, what they are, answering with one. */
#ifndef COHORT_MODULE_FILE_H
#define COHORT_MODULE_FILE_H

#include <cohort/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Bytes of the longest name of a file, its NUL included. */
#define COHORT_FILE_NAME_MAX 4096

/*
 * The name of the file that a decoded path stands for, by root or alias of the
 * request's location.
 *
 * name     COHORT_FILE_NAME_MAX bytes; NUL-terminated.
 * Returns  Its size; -ENAMETOOLONG; -EINVAL if it would leave its root, if a
 *          NUL is in it, or if path does not begin with "/".
 */
int cohort_file_name(
    struct cohort_request *request, struct cohort_str path, char *name);

enum cohort_file_kind {
    COHORT_FILE_OTHER,
    COHORT_FILE_REGULAR,
    COHORT_FILE_DIRECTORY,
};

/*
 * What is there under a name (NUL-terminated).
 *
 * Returns  An enum cohort_file_kind; -errno. What disable_symlinks and confine
 *          of the location refuse is -ELOOP (a link), -ENOTDIR (one on the way,
 *          with disable_symlinks on; also a file there) or -EXDEV (out of the
 *          root): modules answer 403, and 404 to -ENOTDIR.
 */
int cohort_file_kind(struct cohort_request *request, struct cohort_str name);

/*
 * Answer GET or HEAD with a regular file: Content-Type by its extension,
 * Content-Length, Last-Modified, ETag, then its bytes from the file cache or by
 * sendfile. Conditions and ranges as the request has them.
 *
 * name      NUL-terminated.
 * verdict   Out: to be returned by the handler.
 * Returns   0; or -errno, then nothing has been answered nor logged: -EISDIR
 *           for a directory, -EINVAL for anything else but a regular file;
 *           for links as cohort_file_kind().
 */
int cohort_respond_file(
    struct cohort_request *request, struct cohort_str name, int *verdict);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
