/* A service of its own, without HTTP, that declares a secret: it tells whoever
   connects who it is and what the secret is now, as hexadecimal digits, and
   each message that it gets is told on.

   service PORT SOCKET [SECONDS [WORKERS]]: the secret rotates after so many. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/cluster.h>

#define SECRET_SIZE 80

struct teller {
    size_t secret;
    struct cohort_self *self;
};

static unsigned port;
static unsigned long long rotate_s;

static int
load(struct cohort_load *load, void *const *settings, void *user, void **state)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((in_port_t)port),
    };
    struct teller *teller = calloc(1, sizeof(*teller));
    int result;

    (void)settings;
    (void)user;
    *state = teller;
    result = cohort_load_secret(
        load, "tests/tickets", SECRET_SIZE, rotate_s, &teller->secret);
    return result < 0
        ? result
        : cohort_load_listen(
              load, (struct sockaddr *)&address, sizeof(address), NULL, NULL);
}

/* "3 CURRENT PREVIOUS NEXT" */
static void
describe(struct teller *teller, char *out)
{
    static const enum cohort_secret_age ages[] = {
        COHORT_SECRET_CURRENT, COHORT_SECRET_PREVIOUS, COHORT_SECRET_NEXT};
    unsigned char secret[SECRET_SIZE];

    out += sprintf(out, "%u", cohort_self_id(teller->self));
    for (size_t i = 0; i < 3; i++) {
        if (cohort_self_secret(teller->self, teller->secret, ages[i], secret) <
            0) {
            abort();
        }
        out += sprintf(out, " ");
        for (size_t j = 0; j < sizeof(secret); j++) {
            out += sprintf(out, "%02x", secret[j]);
        }
    }
    sprintf(out, "\n");
}

/* Secrets are there from the start on. */
static int
start(struct cohort_self *self, void *state)
{
    struct teller *teller = state;
    char text[1024];

    teller->self = self;
    describe(teller, text);
    return 0;
}

static void
connection(void *state, int fd, void *user)
{
    struct teller *teller = state;
    char text[1024];

    (void)user;
    describe(teller, text);
    if (write(fd, text, strlen(text)) > 0) {
        shutdown(fd, SHUT_RDWR);
    }
    close(fd);
    cohort_self_connection_closed(teller->self);
}

static void
message(struct cohort_self *self, void *state, struct cohort_message *got)
{
    (void)state;
    cohort_self_send(self, got->data, got->size);
}

static void
drain(void *state)
{
    struct teller *teller = state;

    cohort_self_idle(teller->self);
}

static const struct cohort_service service = {
    .api = COHORT_SERVICE_API,
    .name = "teller",
    .load = load,
    .start = start,
    .connection = connection,
    .message = message,
    .drain = drain,
    .stop = free,
    .unload = free,
};

int
main(int argc, char **argv)
{
    struct cohort *cohort = cohort_new();
    char text[512];
    int status = 1;

    if (argc >= 3) {
        port = (unsigned)atoi(argv[1]);
        rotate_s = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
        snprintf(text, sizeof(text), "admin unix:%s;", argv[2]);
        cohort_set_directives(cohort, text);
        cohort_set_workers(cohort, argc > 4 ? atoi(argv[4]) : 2);
        cohort_set_service(cohort, &service);
        status = cohort_run(cohort);
    }
    cohort_free(cohort);
    return status;
}
