/* A program whose handlers do harm when they are asked to:
   trouble PORT DIRECTIVES HTTP-DIRECTIVES.

   /            hello world
   /spin?MS     no return to the event loop for so many milliseconds
   /wait        no answer
   /body        an answer when the request's body is complete
   /leak?MIB    so much more memory
   /raise?N     a signal, by raise()
   /fault       a write to where there is nothing
   /overflow    a stack without end */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cohort/http.h>

static unsigned long
argument(struct cohort_request *request)
{
    struct cohort_str args = cohort_request_args(request);
    char text[32] = "";

    if (args.size < sizeof(text)) {
        memcpy(text, args.data, args.size);
    }
    return strtoul(text, NULL, 10);
}

static int
hello(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_text(request, 200, "hello world\n");
}

static unsigned long
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000 +
        (unsigned long)now.tv_nsec / 1000000;
}

static int
spin(struct cohort_request *request, void *user)
{
    unsigned long end = now_ms() + argument(request);

    (void)user;
    while (now_ms() < end) {
    }
    return cohort_respond_text(request, 200, "hello world\n");
}

static int
wait_for_ever(struct cohort_request *request, void *user)
{
    (void)request;
    (void)user;
    return COHORT_LATER;
}

static int
answer_at_end(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    (void)data;
    (void)user;
    return size > 0 ? COHORT_LATER
                    : cohort_respond_text(request, 200, "hello world\n");
}

static int
read_body(struct cohort_request *request, void *user)
{
    return cohort_body_read(request, answer_at_end, user);
}

static int
leak(struct cohort_request *request, void *user)
{
    size_t size = argument(request) << 20;
    volatile char *memory = malloc(size);

    (void)user;
    for (size_t i = 0; memory && i < size; i += 4096) {
        memory[i] = 1;
    }
    return cohort_respond_text(request, 200, memory ? "leaked\n" : "none\n");
}

static int
raise_signal(struct cohort_request *request, void *user)
{
    (void)user;
    raise((int)argument(request));
    return cohort_respond_text(request, 200, "hello world\n");
}

static int
fault(struct cohort_request *request, void *user)
{
    volatile int *volatile nowhere = NULL;

    (void)user;
    *nowhere = 1;
    return cohort_respond_text(request, 200, "hello world\n");
}

static size_t
fall(volatile char *above, size_t depth)
{
    volatile char room[4096];

    room[0] = above[0];
    return depth == 0 ? 0 : fall(room, depth - 1) + (size_t)room[0];
}

static int
overflow(struct cohort_request *request, void *user)
{
    volatile char first = 1;

    (void)user;
    return cohort_respond_text(
        request, 200, fall(&first, (size_t)-1) ? "some\n" : "none\n");
}

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    char address[64];
    int status = 1;

    if (argc == 4) {
        snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
        cohort_listen(cohort, address);
        cohort_set_directives(cohort, argv[2]);
        cohort_set_http_directives(cohort, argv[3]);
        cohort_handle(cohort, "/", hello, NULL);
        cohort_handle(cohort, "/spin", spin, NULL);
        cohort_handle(cohort, "/wait", wait_for_ever, NULL);
        cohort_handle(cohort, "/body", read_body, NULL);
        cohort_handle(cohort, "/leak", leak, NULL);
        cohort_handle(cohort, "/raise", raise_signal, NULL);
        cohort_handle(cohort, "/fault", fault, NULL);
        cohort_handle(cohort, "/overflow", overflow, NULL);
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
