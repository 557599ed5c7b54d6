/* A program with a handler that has an admin socket: admin PORT SOCKET. */
#include <stdio.h>

#include <cohort/http.h>

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello from a program\n");
}

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    char text[512];
    int status = 1;

    if (argc == 3) {
        snprintf(text, sizeof(text), "127.0.0.1:%s", argv[1]);
        cohort_listen(cohort, text);
        snprintf(text, sizeof(text), "admin unix:%s;", argv[2]);
        cohort_set_directives(cohort, text);
        cohort_set_workers(cohort, 2);
        cohort_handle(cohort, "/", hello, NULL);
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
