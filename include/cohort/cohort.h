/* cohort as a library: the program, and the service that runs in its workers.
   <cohort/http.h> has the HTTP service's handlers. */
#ifndef COHORT_COHORT_H
#define COHORT_COHORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cohort/conf.h>
#include <cohort/log.h>
#include <cohort/str.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* "0.1.0" */
const char *cohort_version(void);

/* CPUs that this process may use: affinity and cgroup quota; at least 1. */
unsigned cohort_cpu_count(void);

/* --- scheduling policies -------------------------------------------------- */

/* How connections reach workers. */
enum cohort_policy {
    COHORT_POLICY_DEFAULT,     /* the main context's, else round_robin */
    COHORT_POLICY_ROUND_ROBIN, /* the primary accepts, hands over in turn */
    COHORT_POLICY_LEAST_CONN,  /* the same, to the one with the fewest open */
    COHORT_POLICY_SHARED,      /* all workers accept from one socket in turn */
    COHORT_POLICY_REUSEPORT,   /* a socket per worker, the kernel chooses */
};

/* --- a service: what runs on top of the cluster in a worker --------------- */

#define COHORT_SERVICE_API 1

struct cohort_load;     /* a generation being loaded */
struct cohort_self;     /* this worker, from inside */
struct cohort_listener; /* a listening address of the generation */
struct cohort_exit;     /* as in <cohort/cluster.h> */
struct cohort_file;     /* a log file that the primary opened */
struct cohort_message;  /* as in <cohort/cluster.h> */
struct coh_loop;        /* the worker's event loop (core/event.h) */
struct event_base;

struct cohort_listen_options {
    enum cohort_policy policy;
    int backlog;   /* 0: 511 */
    int rcvbuf;    /* bytes; 0: the system's */
    int sndbuf;    /* bytes; 0: the system's */
    int fastopen;  /* queue length; 0: off */
    bool deferred; /* TCP_DEFER_ACCEPT: accepted when the first bytes came */
    bool ipv6only;
    bool is_bound; /* nginx's "bind": a socket of its own beside a wildcard */
    signed char keepalive; /* SO_KEEPALIVE: 1 on, -1 off, 0 the system's */
    int keepalive_idle_s;  /* 0: the system's, as the next two */
    int keepalive_interval_s;
    int keepalive_count;
    unsigned mode; /* unix sockets' permissions; 0: by umask */
};

enum cohort_counter_kind {
    COHORT_COUNTER, /* only grows */
    COHORT_GAUGE,   /* taken back when its worker goes */
    /* A part of a histogram, which is several numbers of one name that follow
       each other: its buckets, with the labels "le=\"0.5\"" (seconds, the last
       one "+Inf"), each of what fell into it alone; then one without labels,
       the sum of all in microseconds. */
    COHORT_HISTOGRAM,
};

/* What a counter says about how the service does: by it a generation on trial
   is compared with the old one. Requests are GOOD and BAD together. */
enum cohort_health {
    COHORT_HEALTH_NONE,
    COHORT_HEALTH_GOOD,    /* requests that were answered as they should be */
    COHORT_HEALTH_BAD,     /* requests that failed, or that nobody waited for */
    COHORT_HEALTH_LATENCY, /* how long all took together, in microseconds */
    COHORT_HEALTH_COUNT,
};

/* A number that the service keeps per worker and that others print. */
struct cohort_counter {
    const char *name; /* "cohort_http_requests_total" */
    const char *help;
    enum cohort_counter_kind kind;
    const char *labels; /* "status=\"2xx\"", or NULL */
    enum cohort_health health;
};

struct cohort_service {
    unsigned api;     /* COHORT_SERVICE_API */
    const char *name; /* "http" */
    /* Directives that the service adds to the language; ends with NULL; NULL:
       none. */
    struct cohort_module *const *modules;

    /*
     * Make the state of a generation from its configuration: declare
     * listeners, files and counters with the cohort_load_ functions.
     *
     * settings  Of the main context, by module->index.
     * state     Out: given to all calls below. Workers get their own copy by
     *           fork, pointers and all.
     * Process   The template, once (or the program itself in single-process
     *           mode, and for -t). May block. Must start no thread and make no
     *           event loop.
     * Returns   0, or -errno after saying why (cohort_load_error).
     */
    int (*load)(
        struct cohort_load *load, void *const *settings, void *user,
        void **state);

    /* A worker begins. May start threads and register events. 0, or -errno
       after a log line: the worker ends with status 1. */
    int (*start)(struct cohort_self *self, void *state);

    /*
     * A client's connection. fd is non-blocking and now belongs to the
     * service, which must call cohort_self_connection_closed() after it closed
     * it (by shutdown, then close: the primary may hold a copy).
     *
     * user  What was given to cohort_load_listen.
     */
    void (*connection)(void *state, int fd, void *user);

    /* The worker is at worker_connections: close up to count idle client
       connections now, oldest first; a request that has come on one of them is
       answered before. Returns how many are closed. NULL: none. */
    size_t (*reclaim)(void *state, size_t count);

    /* A message from outside (the admin socket): any JSON value of at most
       COHORT_MESSAGE_MAX bytes; nobody waits for an answer, but
       cohort_self_send() tells one. NULL: the service takes none, and who
       sends one is told so. */
    void (*message)(
        struct cohort_self *self, void *state, struct cohort_message *message);

    /* Log files were reopened: write out what is buffered before the
       descriptors change (is_before), start anew after. NULL: nothing. */
    void (*reopen)(void *state, bool is_before);

    /* No new connections will come. Finish what runs, let idle ones go a moment
       later, so that a request under way to them is answered, and call
       cohort_self_idle() when none is left. */
    void (*drain)(void *state);

    /* Leave now: flush logs, close what is open, free everything. */
    void (*stop)(void *state);

    /* Free a state that was loaded (not started). */
    void (*unload)(void *state);

    void *user; /* for load */

    /*
     * What is being done at this moment, for the log of a worker that hangs or
     * has crashed, as "GET /x HTTP/1.1". NULL: nothing to tell.
     *
     * out      The beginning of it is copied there: size bytes at most.
     * Process  The worker, inside a signal handler, at any instruction between
     *          start() and stop(): reads what is there and calls nothing.
     * Returns  The size of all of it; 0: nothing is being done.
     */
    size_t (*doing)(void *state, char *out, size_t size);
};

/* --- inside load() -------------------------------------------------------- */

/* Told like an error of the configuration. Always -EINVAL. */
int cohort_load_error(struct cohort_load *load, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct cohort_log *cohort_load_log(struct cohort_load *load);

/*
 * Ask the primary for a listening address. Sockets that an earlier generation
 * has are the same sockets.
 *
 * options  NULL: all defaults. Copied.
 * user     Given to connection() with each connection of this address.
 * Order    Addresses are opened when load() has returned 0; their errors are
 *          told by the primary. A wildcard covers specific addresses of its
 *          port unless they have is_bound.
 */
int cohort_load_listen(
    struct cohort_load *load, const struct sockaddr *address,
    socklen_t address_size, const struct cohort_listen_options *options,
    void *user);

/* A log file, opened by the primary (with its rights), reopened by USR1. The
   same path gives the same file. 0, or -errno after it was told. */
int cohort_load_file(
    struct cohort_load *load, const char *path, struct cohort_file **file);

/* The descriptor of now: O_APPEND; may change between two callbacks. */
int cohort_file_fd(const struct cohort_file *file);

/* Say that workers read files from path on down while they serve: with
   worker_sandbox on they can read no others. Absolute; copied. Also while the
   configuration is read. */
void cohort_load_path(struct cohort_load *load, struct cohort_str path);

/* Declare count counters; their places begin at *first. -ENOSPC when the slot
   is full. */
int cohort_load_counters(
    struct cohort_load *load, const struct cohort_counter *counters,
    size_t count, size_t *first);

#define COHORT_SECRET_SIZE_MAX 256 /* bytes */
#define COHORT_SECRET_NAME_MAX 63  /* bytes */

/*
 * Declare a secret: random bytes that the primary makes and that all workers
 * have, whatever the policy, for keys such as those of TLS tickets. A later
 * generation that declares the same name and size has the same secret.
 *
 * name      Without control characters; copied.
 * size      1 to COHORT_SECRET_SIZE_MAX.
 * rotate_s  So long it is the current one, then it is the previous one; 0: 12
 *           hours.
 * index     Out: for cohort_self_secret().
 * Returns   0; -EINVAL after it was told; -ENOSPC beyond 16 secrets.
 */
int cohort_load_secret(
    struct cohort_load *load, const char *name, size_t size, uint64_t rotate_s,
    size_t *index);

/* --- inside a worker ------------------------------------------------------ */

unsigned cohort_self_id(const struct cohort_self *self);
struct cohort_log *cohort_self_log(struct cohort_self *self);
struct coh_loop *cohort_self_loop(struct cohort_self *self);
struct event_base *cohort_self_event_base(struct cohort_self *self);

/* This worker's counters, in shared memory: only this process writes them, so
   a plain addition is enough. */
uint64_t *cohort_self_counters(struct cohort_self *self);

enum cohort_secret_age {
    COHORT_SECRET_CURRENT,  /* make things with this one */
    COHORT_SECRET_PREVIOUS, /* take what was made with this one, too, */
    COHORT_SECRET_NEXT,     /* and with this one: clocks differ */
};

/*
 * Copy what a secret is now; all workers see a rotation at the same moment.
 *
 * out      As many bytes as were declared; wipe them after use.
 * Process  A worker, from start() on; any thread.
 * Returns  0; -ENOENT where there is no primary that made it (a service of
 *          cohort_self_serve()); what cohort_self_ask_secret() documents for
 *          what was asked for there.
 */
int cohort_self_secret(
    const struct cohort_self *self, size_t index, enum cohort_secret_age age,
    void *out);

/* One connection that came by connection() has been closed. */
void cohort_self_connection_closed(struct cohort_self *self);

/* The service has nothing open any more (after drain). */
void cohort_self_idle(struct cohort_self *self);

/* True from drain on. */
bool cohort_self_is_draining(const struct cohort_self *self);

/* --- settings that every service may read --------------------------------- */

/* The error log that holds where these settings do (error_log directive). */
struct cohort_log *cohort_settings_log(void *const *settings);

/* --- programs ------------------------------------------------------------- */

/*
 * A program that serves with handlers in C, under the same primary, signals
 * and policies as the server.
 */
struct cohort;

#define COHORT_WORKERS_AUTO (-1)

/* Never NULL. */
struct cohort *cohort_new(void);
void cohort_free(struct cohort *cohort);

/* "127.0.0.1:8000", "[::]:80", "unix:/run/x.sock". Without any: 127.0.0.1:8000.
   0 or -EINVAL, after a line on standard error. */
int cohort_listen(struct cohort *cohort, const char *address);

/* How many workers; 0: none, everything in this process (for debuggers);
   COHORT_WORKERS_AUTO (default): one per CPU. */
int cohort_set_workers(struct cohort *cohort, int count);

/* Directives of the main context, in the configuration language, e.g.
   "scheduling_policy shared; error_log run.log notice;". Copied. */
int cohort_set_directives(struct cohort *cohort, const char *text);

/* Directives of the http context, likewise: "access_log hits.log;". */
int cohort_set_http_directives(struct cohort *cohort, const char *text);

/*
 * Be told the messages that somebody sends to a worker of this program on its
 * admin socket ("POST /v1/workers/3/messages"). Without it they are refused.
 *
 * on_message  Called in that worker, from its loop; cohort_self_send() tells
 *             something in return. NULL: no more.
 */
void cohort_on_message(
    struct cohort *cohort,
    void (*on_message)(
        struct cohort_self *self, struct cohort_message *message, void *user),
    void *user);

/* What the primary has to tell; all of it valid during the call. */
struct cohort_event {
    /* As in "GET /v1/events", cohort-ctl(8): fork, online, ready, listening,
       message, disconnect, exit, setup, error, stuck, crash_loop, recycle,
       accept_paused, accept_resumed, drop, reload_begin, reload_canary,
       reload_done, reload_failed and others that may be added. */
    const char *name;
    uint64_t generation;           /* 0: about none */
    unsigned worker_id;            /* 0: about none */
    pid_t pid;                     /* the worker's; 0: about none */
    const char *group;             /* of workers: "main"; NULL: about none */
    const struct cohort_exit *how; /* of exit; else NULL */
    uint64_t count;                /* of drop: connections */
    uint64_t delay_ms;             /* of crash_loop: until the next start */
    const char *text;          /* for people; listening: the address. NULL */
    struct cohort_str message; /* of message: JSON */
};

/*
 * Be told what the primary of cohort_run() tells on the admin socket.
 *
 * on_event  Called from the primary's event loop, which it must not hold up:
 *           nobody's connections are handed over meanwhile. It may call
 *           cohort_reload() and cohort_scale(). NULL: no more.
 * Process   The primary: what it changes no worker sees, but those that a
 *           reload starts (their template is a fork of that moment). Never with
 *           0 workers: there is no primary then.
 * Order     As it happens; a reload_done without a reload_begin is the start.
 */
void cohort_on_event(
    struct cohort *cohort,
    void (*on_event)(const struct cohort_event *event, void *user), void *user);

/* What became of a call below. */
struct cohort_outcome {
    int result;          /* 0: it is done; else -errno */
    uint64_t generation; /* of a reload that was tried: that serves now; 0 */
    const char *text;    /* for people: what is done, or why not, a line for
                            each error of the configuration; valid during the
                            call */
};

/*
 * Load the configuration anew, as HUP and "cohort ctl reload" do: a new
 * generation is built beside the current one and replaces it whole, or not at
 * all. What the program said before cohort_run() stays said; files that its
 * directives include are read anew, and the new workers come from a fork of the
 * primary as it is at that moment.
 *
 * is_forced   Where there would be more than max_old_generations, end the
 *             oldest at once, with its requests.
 * on_outcome  Called once: 0; -EINVAL: the configuration has errors; -EIO: it
 *             cannot be had, or there are too many old generations; -EAGAIN:
 *             not now (the server starts or leaves, an upgrade is under way).
 *             NULL: nobody asks; events tell it, too.
 * Process     The primary's only, in the thread that called cohort_run():
 *             from on_event (cohort_on_event) or an on_outcome. Not from a
 *             signal handler.
 * Order       Never done and never told inside this call. One at a time: while
 *             one is under way, whoever asks shares the next. on_event is told
 *             reload_done or reload_failed first. At the latest before
 *             cohort_run() returns.
 * Returns     0, on_outcome follows; else it does not: -EPERM elsewhere: before
 *             or after cohort_run(), in a worker or another child, in another
 *             thread, with 0 workers; -ENOBUFS when 256 calls have no outcome
 *             yet; -ENOMEM.
 */
int cohort_reload(
    struct cohort *cohort, bool is_forced,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user);

/*
 * Have count workers, as TTIN, TTOU and "cohort ctl scale" do: those that miss
 * are started, those that are too many finish what they have. It stays so over
 * reloads and upgrades until another number is configured.
 *
 * group       A worker_group of the directives; NULL: "main", the program's own
 *             workers.
 * count       1 to worker_processes_max.
 * on_outcome  Called once: 0 when so many serve, or as many as another call
 *             has asked for meanwhile; -EINVAL: count; -ENOENT: no such group;
 *             -EBUSY: main has no address; -EAGAIN: not now (as above, or no
 *             worker can be started before a reload); -ETIMEDOUT: they do not
 *             serve after a minute, and go on trying.
 * Process     As cohort_reload(), and so is the rest.
 * Returns     As cohort_reload(), and -EINVAL for a name longer than any.
 */
int cohort_scale(
    struct cohort *cohort, const char *group, unsigned count,
    void (*on_outcome)(const struct cohort_outcome *outcome, void *user),
    void *user);

/* Run another service instead of HTTP: addresses, handlers and directives of
   the http context mean nothing then. It outlives the program's call of
   cohort_run. */
void cohort_set_service(
    struct cohort *cohort, const struct cohort_service *service);

/*
 * Serve until a signal ends it (signals are those of the server: TERM INT QUIT
 * HUP USR1 USR2 WINCH TTIN TTOU; one that comes before this returns is for the
 * server alone).
 *
 * Process  The program becomes the primary. Call with one thread running:
 *          workers are forked from a fork of this program, so handlers and
 *          their user pointers are inherited.
 * Returns  The exit status for main.
 */
int cohort_run(struct cohort *cohort);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
