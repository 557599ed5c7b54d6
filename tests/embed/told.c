/* A program that prints what its primary tells: told PORT SOCKET. Directives of
   the http context come from the file extra.conf. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello from a program\n");
}

static void
on_event(const struct cohort_event *event, void *user)
{
    const int *primary = user;

    printf(
        "%s%s generation %" PRIu64 " worker %u group %s", event->name,
        *primary == (int)getpid() ? "" : " elsewhere", event->generation,
        event->worker_id, event->group ? event->group : "-");
    if (event->how) {
        printf(
            " code %d signal %d %s", event->how->code, event->how->signal,
            cohort_reason_name(event->how->reason));
    }
    printf(": %s\n", event->text ? event->text : "");
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    int primary = (int)getpid();
    char text[512];
    int status = 1;

    if (argc == 3) {
        snprintf(text, sizeof(text), "127.0.0.1:%s", argv[1]);
        cohort_listen(cohort, text);
        snprintf(text, sizeof(text), "admin unix:%s;", argv[2]);
        cohort_set_directives(cohort, text);
        cohort_set_http_directives(cohort, "include extra.conf;");
        cohort_set_workers(cohort, 1);
        cohort_handle(cohort, "/", hello, NULL);
        cohort_on_event(cohort, on_event, &primary);
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
