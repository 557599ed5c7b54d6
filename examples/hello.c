#include <cohort/http.h>

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello world\n");
}

int
main(void)
{
    struct cohort *cohort = cohort_new();
    cohort_handle(cohort, "/", hello, NULL);
    return cohort_run(cohort);
}
