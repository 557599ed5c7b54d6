/* A program whose primary asks for reloads and other numbers of workers by C
   calls: asking PORT SOCKET [DIRECTIVES]. What it asks for are the words of
   messages that somebody sends to a worker, which passes them on. Directives of
   the http context come from the file extra.conf. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cohort/cluster.h>
#include <cohort/http.h>

static struct cohort *program;
static unsigned asked;
static unsigned told;
static bool is_inside; /* a call */

/* --- calls ---------------------------------------------------------------- */

static void
on_outcome(const struct cohort_outcome *outcome, void *user)
{
    told++;
    printf(
        "%s%s: result %d generation %" PRIu64 ": %s\n", (const char *)user,
        is_inside ? " inside the call" : "", outcome->result,
        outcome->generation, outcome->text);
}

static int
noted(int result)
{
    is_inside = false;
    asked += result == 0;
    return result;
}

static int
reload(bool is_forced, char *name)
{
    is_inside = true;
    return noted(cohort_reload(program, is_forced, on_outcome, name));
}

static int
scale(const char *group, unsigned count, char *name)
{
    is_inside = true;
    return noted(cohort_scale(program, group, count, on_outcome, name));
}

/* Both calls, where they are not for. */
static void *
try_both(void *where)
{
    printf(
        "%s: %d %d\n", (const char *)where,
        cohort_reload(program, false, on_outcome, where),
        cohort_scale(program, NULL, 1, on_outcome, where));
    return NULL;
}

static char refused[] = "refused";
static char again[] = "again";
static char late[] = "late";
static char last[] = "last";

static void
on_reloaded(const struct cohort_outcome *outcome, void *user)
{
    on_outcome(outcome, user);
    printf("called again: %d\n", reload(false, again));
}

static void
reload_twice(char *name)
{
    is_inside = true;
    noted(cohort_reload(program, false, on_reloaded, name));
}

static void on_refused(const struct cohort_outcome *outcome, void *user);

static int
scale_until_refused(void)
{
    is_inside = true;
    return noted(cohort_scale(program, NULL, 2, on_refused, last));
}

/* Asks anew as long as it may, so there is a call when the last turn is over. */
static void
on_refused(const struct cohort_outcome *outcome, void *user)
{
    if (scale_until_refused() < 0) {
        on_outcome(outcome, user);
    } else {
        told++;
    }
}

static void
try_elsewhere(void)
{
    static char in_thread[] = "in a thread";
    static char in_child[] = "in a child";
    pthread_t thread;
    pid_t pid;

    if (pthread_create(&thread, NULL, try_both, in_thread) == 0) {
        pthread_join(thread, NULL);
    }
    pid = fork();
    if (pid == 0) {
        try_both(in_child);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* One more than may wait. */
static void
ask_too_often(void)
{
    int result = 0;
    unsigned count = 0;

    while (result == 0 && count < 1000) {
        result = scale(NULL, 0, refused);
        count++;
    }
    printf("call %u: %d\n", count, result);
}

/* --- words ---------------------------------------------------------------- */

static void
obey(char *word)
{
    static char name[32][64]; /* of what is under way */
    static unsigned next;
    char *own = name[next++ % 32];
    char group[64] = "";
    unsigned count;

    snprintf(own, sizeof(name[0]), "%s", word);
    if (strcmp(word, "reload") == 0) {
        reload(false, own);
    } else if (strcmp(word, "force") == 0) {
        reload(true, own);
    } else if (strcmp(word, "quietly") == 0) {
        cohort_reload(program, false, NULL, NULL);
    } else if (strcmp(word, "twice") == 0) {
        reload_twice(own);
    } else if (strcmp(word, "elsewhere") == 0) {
        try_elsewhere();
    } else if (strcmp(word, "often") == 0) {
        ask_too_often();
    } else if (sscanf(word, "scale=%u=%63s", &count, group) >= 1) {
        printf("called: %d\n", scale(group[0] ? group : NULL, count, own));
    }
}

static void
obey_all(struct cohort_str message)
{
    char *text = strndup(message.data, message.size);

    for (char *word = strtok(text, "\" "); word; word = strtok(NULL, "\" ")) {
        obey(word);
    }
    puts("heard");
    free(text);
}

static void
on_event(const struct cohort_event *event, void *user)
{
    (void)user;
    if (strncmp(event->name, "reload_", 7) == 0) {
        printf("%s %" PRIu64 "\n", event->name, event->generation);
    } else if (strcmp(event->name, "message") == 0) {
        obey_all(event->message);
    } else if (strcmp(event->name, "leaving") == 0) {
        reload(false, late);
        scale_until_refused();
    }
}

/* --- workers -------------------------------------------------------------- */

static void
on_message(struct cohort_self *self, struct cohort_message *message, void *user)
{
    static char in_worker[] = "in a worker";

    (void)user;
    if (strcmp(message->data, "\"here\"") == 0) {
        try_both(in_worker);
        puts("heard");
    } else {
        cohort_self_send(self, message->data, message->size);
    }
}

static int
who(struct cohort_request *request, void *user)
{
    char text[32];

    (void)user;
    snprintf(text, sizeof(text), "%d", (int)getpid());
    return cohort_respond_text(request, 200, text);
}

/* Until the client goes. */
static int
hold(struct cohort_request *request, void *user)
{
    (void)request;
    (void)user;
    return COHORT_LATER;
}

int
main(int argc, char **argv)
{
    static char before[] = "before";
    static char after[] = "after";
    char text[2048];
    int status;

    if (argc < 3) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* children have no rest to print */
    program = cohort_new();
    try_both(before);
    snprintf(text, sizeof(text), "127.0.0.1:%s", argv[1]);
    cohort_listen(program, text);
    snprintf(
        text, sizeof(text), "admin unix:%s; %s", argv[2],
        argc > 3 ? argv[3] : "");
    cohort_set_directives(program, text);
    cohort_set_http_directives(program, "include extra.conf;");
    cohort_set_workers(program, 1);
    cohort_handle(program, "/", who, NULL);
    cohort_handle(program, "/hold", hold, NULL);
    cohort_on_message(program, on_message, NULL);
    cohort_on_event(program, on_event, NULL);
    status = cohort_run(program);
    try_both(after);
    printf("asked %u times, told %u times\n", asked, told);
    cohort_free(program);
    return status;
}
