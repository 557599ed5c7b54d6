/* The cluster: workers made by executing a program, their messages, handles and
   listening addresses. All that Node's cluster module does, as a C API; each
   comment names the feature of Node's that it is.

   A program is a primary or a worker. The primary forks workers, by default the
   program itself, whose main() runs again; workers ask the primary to listen,
   and serve the connections that it hands to them:

       int
       main(void)
       {
           return cohort_is_primary() ? run_primary() : run_worker();
       }

   Unless a comment says otherwise: functions of a primary are called in the
   primary, those of a self in a worker; from the thread that runs the event
   loop, never from a signal handler; nothing blocks but the look-up of a name
   (of a host, in cohort_self_listen(); of users and groups, in
   cohort_primary_setup()); callbacks run from the loop, never inside a call of
   yours. They return 0 or -errno; a failure that needs more words has its line
   in the log, which is standard error. */
#ifndef COHORT_CLUSTER_H
#define COHORT_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct cohort_primary;   /* this process as the primary of workers */
struct cohort_worker;    /* one worker, seen from the primary */
struct cohort_listening; /* an address that a worker listens on */

/* --- roles -------------------------------------------------------------------
 *
 * Decided before main() runs, by COHORT_WORKER_ID and COHORT_CHANNEL_FD (or, in
 * a worker of a Node primary, NODE_UNIQUE_ID and NODE_CHANNEL_FD) in the
 * environment, which are deleted there: what a worker executes itself is no
 * worker. An id without a channel makes no worker: standard error says so.
 */

/* cluster.isPrimary and cluster.isWorker. Any thread. */
bool cohort_is_primary(void);
bool cohort_is_worker(void);

/* --- settings: cluster.settings ------------------------------------------- */

/* For settings whose absence is no value. */
enum cohort_choice {
    COHORT_AS_BEFORE, /* what the setup before said; at first: the default */
    COHORT_NO,
    COHORT_YES,
};

enum cohort_protocol {
    COHORT_PROTOCOL_AS_BEFORE,
    COHORT_PROTOCOL_COHORT, /* a program with libcohort; the default */
    COHORT_PROTOCOL_NODE,   /* a Node.js program: its own protocol */
    /* A program that is given its sockets (LISTEN_FDS, LISTEN_PID), as by
       systemd's socket activation: the entries of stdio from the fourth on,
       without one that is ipc. Their names are yours to set (LISTEN_FDNAMES in
       environment). It sends and gets no messages; disconnecting it is SIGTERM;
       it is listening as soon as it has been executed. */
    COHORT_PROTOCOL_LISTEN_FDS,
};

/* What messages are. */
enum cohort_serialization {
    COHORT_SERIALIZATION_AS_BEFORE,
    COHORT_SERIALIZATION_JSON,   /* JSON values, checked; the default */
    COHORT_SERIALIZATION_BINARY, /* any bytes; not for Node's protocol */
};

enum cohort_stdio_kind {
    COHORT_STDIO_INHERIT, /* the primary's descriptor of the same number */
    COHORT_STDIO_PIPE,    /* a pipe to the primary: cohort_worker_stdio() */
    COHORT_STDIO_NULL,    /* /dev/null */
    COHORT_STDIO_FD,      /* a descriptor of the primary: fd */
    COHORT_STDIO_FILE,    /* opened (made, appended to) at each fork: path */
    COHORT_STDIO_IPC,     /* the channel: exactly one of these; none for
                             COHORT_PROTOCOL_LISTEN_FDS */
};

struct cohort_stdio {
    enum cohort_stdio_kind kind;
    int fd;
    const char *path;
};

#define COHORT_STDIO_MAX 64 /* entries */

/*
 * How workers are started. Members left zero stay as they were before; lists
 * end with NULL; an empty text or list goes back to the default.
 */
struct cohort_settings {
    /* exec: the program, by path or looked up in PATH. Default: this program,
       from the descriptor of what is running (an upgrade on disk changes
       nothing). */
    const char *exec;
    /* execArgv: words directly behind the program's name. Default: none. */
    const char *const *exec_args;
    /* args: the words behind those. Default: what this program was given. */
    const char *const *args;
    /* cwd. Default: the primary's. */
    const char *cwd;
    /* "NAME=VALUE", over the primary's environment; under fork's own. */
    const char *const *environment;
    enum cohort_protocol protocol;
    enum cohort_serialization serialization;
    /* silent: no: standard streams are the primary's; yes: pipes. */
    enum cohort_choice silent;
    /* stdio: one entry per descriptor from 0 on; replaces silent. NULL: as
       before; a count of 0 with a pointer: the default. */
    const struct cohort_stdio *stdio;
    size_t stdio_count;
    /* uid, gid: a name or a number. A user's name brings its group and its
       supplementary groups, unless these are given. */
    const char *user;
    const char *group;
    const char *const *groups;
    /* inspectPort: our workers answer "GET /" on 127.0.0.1 at this port with
       their inner state as JSON; a Node worker gets --inspect-port if one of
       exec_args asks for the inspector. The first worker gets this number, each
       following one the next; behind 65535 comes 1024. -1: off, which is the
       default. */
    int inspect_port;
    /* Asked for each worker's port instead. Not in 1..65535: fork fails. */
    int (*inspect_port_next)(void *user);
    void *inspect_port_user;
    /* Ours: worker_watchdog, in milliseconds: 100 to a day; -1: off; the
       default is 10,000. A worker hangs when it does not come back to its event
       loop for so long, leaves a connection lying that it was offered (the only
       sign of Node's), or is stopped (SIGSTOP), the only sign of other
       programs, which is seen at once. Then the event stuck follows; it gets no
       connections, others have those that it has not taken; and it is ended by
       SIGTERM, SIGABRT and SIGKILL at 1.5, 2 and 2.5 times that, unless it
       comes back before or a debugger has stopped it. Watched from online on,
       ours from the first turn of their loop on; when the channel has ended,
       only for being stopped. Nobody is judged by a primary that did not come
       back to its own loop on time. */
    int watchdog_ms;
    /* windowsHide: accepted, means nothing here. */
    enum cohort_choice windows_hide;
};

/* --- the primary ---------------------------------------------------------- */

/*
 * Be a primary. It takes COHORT_SCHED_POLICY from the environment; workers will
 * begin with the signal mask and the limit of descriptors of this moment.
 *
 * base     The event base that it runs on, or NULL for one of its own
 *          (cohort_primary_run).
 * Process  Not in a worker; where others wait for children, they must not wait
 *          for any (-1): workers are reaped one by one. A process may have
 *          several primaries.
 * Returns  NULL with errno set: EPERM in a worker.
 */
struct cohort_primary *cohort_primary_new(struct event_base *base);

/* End all workers by SIGKILL, close what they listened on, free everything; no
   event is told. Not from a callback. NULL is fine. */
void cohort_primary_free(struct cohort_primary *primary);

/*
 * Run the event loop until the last worker has gone, or cohort_primary_stop().
 * A primary without workers returns when its pending events have been told.
 *
 * Returns  0: the exit status for main; 1 when the loop failed.
 */
int cohort_primary_run(struct cohort_primary *primary);

/* Make cohort_primary_run() return; workers stay as they are. */
void cohort_primary_stop(struct cohort_primary *primary);

struct event_base *cohort_primary_event_base(struct cohort_primary *primary);
struct cohort_log *cohort_primary_log(struct cohort_primary *primary);

/*
 * cluster.schedulingPolicy. How connections reach workers, for all listens that
 * do not ask for another one. DEFAULT is round_robin.
 *
 * Order    Before the first setup or fork.
 * Returns  -EBUSY after it; -EINVAL.
 */
int cohort_primary_set_policy(
    struct cohort_primary *primary, enum cohort_policy policy);
enum cohort_policy cohort_primary_policy(const struct cohort_primary *primary);

/* COHORT_SCHED_POLICY (NODE_CLUSTER_SCHED_POLICY): "rr", "none" (shared) or a
   policy's name; DEFAULT for anything else. */
enum cohort_policy cohort_policy_from_environment(void);

/*
 * cluster.setupPrimary(). Merged into the settings there are; forks that follow
 * use the result. Copied. The event setup follows, always later than this call.
 *
 * Returns  0; -EINVAL, after a log line, for a bad setting: the old ones stay
 *          whole.
 */
int cohort_primary_setup(
    struct cohort_primary *primary, const struct cohort_settings *settings);

/* cluster.settings: what the next fork uses, no member as before. Valid until
   the next setup. */
const struct cohort_settings *cohort_primary_settings(
    const struct cohort_primary *primary);

/*
 * cluster.fork(). Start a worker with the settings of now.
 *
 * environment  "NAME=VALUE", ends with NULL, over the settings'; NULL: none.
 * worker       Out, may be NULL: connected, state none.
 * Order        The events setup and fork follow, later than this call; then
 *              online, when the worker has taken up its channel. A program that
 *              cannot be started (-ENOENT and the like) is told by the events
 *              error and disconnect.
 * Returns      0; -EINVAL; -EMFILE, -EAGAIN or -ENOMEM when no process can be
 *              made; -ENOENT for a stdio file. Nothing is forked then.
 */
int cohort_fork(
    struct cohort_primary *primary, const char *const *environment,
    struct cohort_worker **worker);

/*
 * cluster.workers. All that have not gone, those that are leaving as well, in
 * the order of their ids. Take the next one before anything is done that may
 * run the event loop. One that has gone (in its event exit) has no next one.
 */
struct cohort_worker *cohort_worker_first(struct cohort_primary *primary);
struct cohort_worker *cohort_worker_next(struct cohort_worker *worker);

/* cluster.workers[id]; NULL: gone, or never was. */
struct cohort_worker *cohort_worker_of_id(
    struct cohort_primary *primary, unsigned id);

unsigned cohort_worker_count(const struct cohort_primary *primary);

/*
 * cluster.disconnect(). Disconnect all workers.
 *
 * on_done  Called once, later than this call, when the last of them has gone
 *          (Node calls back after the first). NULL: nobody asks.
 */
int cohort_primary_disconnect(
    struct cohort_primary *primary,
    void (*on_done)(struct cohort_primary *primary, void *user), void *user);

/* --- one worker --------------------------------------------------------------
 *
 * Life: until its last event has been told: exit, or disconnect of one that
 * could not be started. After that the pointer is dead.
 */

/*
 *   none -> online            it has taken up its channel
 *   online -> listening       an address that it asked for serves
 *   any -> disconnected       the channel has ended
 *   disconnected -> dead      the process has ended
 */
enum cohort_worker_state {
    COHORT_WORKER_NONE,
    COHORT_WORKER_ONLINE,
    COHORT_WORKER_LISTENING,
    COHORT_WORKER_DISCONNECTED,
    COHORT_WORKER_DEAD,
};

/* worker.exitedAfterDisconnect: undefined, true, false. */
enum cohort_leaving {
    COHORT_LEAVING_UNKNOWN,    /* it lives, and nobody asked it to leave */
    COHORT_LEAVING_VOLUNTARY,  /* by disconnect or kill, from either side */
    COHORT_LEAVING_ACCIDENTAL, /* any other way */
};

/* worker.id: from 1, never used again. */
unsigned cohort_worker_id(const struct cohort_worker *worker);
struct cohort_primary *cohort_worker_primary(
    const struct cohort_worker *worker);
/* worker.process.pid; -1 when it could not be started. */
pid_t cohort_worker_pid(const struct cohort_worker *worker);
enum cohort_worker_state cohort_worker_state(
    const struct cohort_worker *worker);
enum cohort_leaving cohort_worker_leaving(const struct cohort_worker *worker);
/* worker.isConnected(): the channel is open, and nobody asked it to leave. */
bool cohort_worker_is_connected(const struct cohort_worker *worker);
/* worker.isDead(): the process has ended. False right after the fork. */
bool cohort_worker_is_dead(const struct cohort_worker *worker);

/* It hangs: stuck was told, and it has not come back. */
bool cohort_worker_is_stuck(const struct cohort_worker *worker);

/* A pointer of the program's; NULL at first. */
void cohort_worker_set_user(struct cohort_worker *worker, void *user);
void *cohort_worker_user(const struct cohort_worker *worker);

/* worker.process.stdio[index]: our end of a piped descriptor, non-blocking; -1:
   not piped, or taken. Stays the worker's: closed with it. */
int cohort_worker_stdio(const struct cohort_worker *worker, unsigned index);

/* The same; it is the caller's from now on. */
int cohort_worker_take_stdio(struct cohort_worker *worker, unsigned index);

/*
 * worker.disconnect(). It gets no connection from now on, closes its addresses,
 * finishes what it has, hangs up and ends: voluntary. Twice is fine.
 *
 * timeout_ms  When that is over it gets SIGTERM, and a second later SIGKILL; 0:
 *             it has all the time that it wants, as in Node.
 */
int cohort_worker_disconnect(struct cohort_worker *worker, unsigned timeout_ms);

/*
 * worker.kill(). Send a signal at once: voluntary.
 *
 * signal   0: SIGTERM.
 * Returns  0, also for one that is dead; -EINVAL for an unknown signal; -EPERM.
 */
int cohort_worker_kill(struct cohort_worker *worker, int signal);

/* worker.process.disconnect(). Close the channel: the worker ends by itself
   with status 0, which is accidental. What was sent before goes out first: the
   worker has five seconds to read it, a Node worker all the time that it wants,
   also for acknowledging a handle. What it says meanwhile is dropped. */
void cohort_worker_hang_up(struct cohort_worker *worker);

/* --- messages: worker.send() and process.send() ------------------------------
 *
 * A message is a JSON value, or bytes with serialization binary, of at most
 * COHORT_MESSAGE_MAX bytes, with at most one handle.
 */

#define COHORT_MESSAGE_MAX (1024 * 1024 - 64)

/* A positive result of sending: queued, but wait before more (128 KiB are in
   the queue). */
#define COHORT_BACKPRESSURE 1

/* A message that has come. */
struct cohort_message {
    const void *data; /* the callbacks' until they return; a NUL follows */
    size_t size;      /* bytes */
    int fd;           /* the handle, close-on-exec; -1: none, or it was lost
                         because this process has no descriptor left (a log
                         line says so). A callback that keeps it writes -1
                         here; else it is closed */
};

/* All zero: a message alone. */
struct cohort_send {
    int fd;         /* a socket or other descriptor above 0; 0 or -1: none */
    bool keep_open; /* keepOpen: else fd is closed here, once it is sent */
    /* The callback. result: 0 when the message was written, not when it has
       been received; -EPIPE when the channel ended before. Called before the
       event disconnect is told. NULL: nobody asks. */
    void (*on_sent)(int result, void *user);
    void *user;
};

/*
 * Send a message to a worker.
 *
 * data     Copied before return.
 * Order    A worker receives messages in the order they were sent.
 * Returns  0; COHORT_BACKPRESSURE; -EINVAL for what is no JSON; -EMSGSIZE;
 *          -EPIPE when the channel is closed; -ENOBUFS when the worker has
 *          stopped reading and the queue is full (4 MiB); -EBADF; -EMFILE.
 */
int cohort_worker_send(
    struct cohort_worker *worker, const void *data, size_t size);

/* The same with options. When it fails, fd stays open and on_sent is not
   called. NULL: none. */
int cohort_worker_send_with(
    struct cohort_worker *worker, const void *data, size_t size,
    const struct cohort_send *options);

/* --- events ------------------------------------------------------------------
 *
 * Order: setup, fork, online, ready, then listening and message as they come,
 * then disconnect, then exit. A message may also come between online and ready,
 * stuck and error at any time before exit. Each is told to the worker's
 * listeners first, then to the primary's, each in the order they were added.
 * There is no reload here: a program forks anew what should change.
 * cohort_reload() of <cohort/cohort.h> is for programs of cohort_run(), and
 * cohort_on_event() has reload_* there.
 */

/* What a worker listens on: the argument of listening. */
struct cohort_address {
    int family; /* AF_INET, AF_INET6, AF_UNIX */
    bool is_udp;
    const char *host; /* "127.0.0.1"; a path; NULL when none was given */
    int port;         /* the real one; -1 for a path */
    int fd;           /* the primary's descriptor; -1: not by descriptor */
};

/* Why a worker has ended. */
enum cohort_reason {
    COHORT_REASON_SELF,       /* by itself; code says how */
    COHORT_REASON_DISCONNECT, /* asked to, by either side */
    COHORT_REASON_KILL,       /* cohort_worker_kill, cohort_self_kill */
    COHORT_REASON_CRASH,      /* a signal that was not ours */
    COHORT_REASON_STUCK,      /* it hung, or did not leave in time */
    COHORT_REASON_RECYCLED,   /* a limit of its group */
    COHORT_REASON_RELOAD,     /* its generation was replaced */
    COHORT_REASON_SCALE,      /* there were too many */
};

/* "disconnect" and so on. */
const char *cohort_reason_name(enum cohort_reason reason);

struct cohort_exit {
    int code;   /* its status; -1 when a signal ended it */
    int signal; /* 0 when none did */
    enum cohort_reason reason;
};

/* Callbacks; NULL: not interested. user is what they were added with. */
struct cohort_events {
    void (*on_setup)(
        struct cohort_primary *primary, const struct cohort_settings *settings,
        void *user); /* the primary's listeners only */
    void (*on_fork)(struct cohort_worker *worker, void *user);
    void (*on_online)(struct cohort_worker *worker, void *user);
    /* Ours: it can serve. Once, right before its first listening: what has no
       address that the primary knows of is never ready. */
    void (*on_ready)(struct cohort_worker *worker, void *user);
    void (*on_listening)(
        struct cohort_worker *worker, const struct cohort_address *address,
        void *user);
    void (*on_message)(
        struct cohort_worker *worker, struct cohort_message *message,
        void *user);
    /* Ours: it hangs (watchdog_ms); why says since when. Nobody is forked in
       its place: that is for the program to do, now or at its exit. A program
       that does it now disconnects this one, which then leaves should it come
       back; else it has connections again. Once each time that it hangs. */
    void (*on_stuck)(struct cohort_worker *worker, const char *why, void *user);
    void (*on_disconnect)(struct cohort_worker *worker, void *user);
    void (*on_exit)(
        struct cohort_worker *worker, const struct cohort_exit *how,
        void *user);
    /* Never fatal. error: -errno; what could not be done: "start node". */
    void (*on_error)(
        struct cohort_worker *worker, int error, const char *what, void *user);
    /* Ours: no worker of an address takes connections (is_paused), they wait in
       the kernel; and they are taken again. The primary's listeners only. */
    void (*on_accept_paused)(
        struct cohort_primary *primary, const struct cohort_address *address,
        bool is_paused, void *user);
    /* Ours: count connections of an address were closed that the primary had
       accepted and no worker could take any more: the last one has left or
       died, or it was a connection that three Node workers died of. Those that
       a worker closes by COHORT_FULL_DROP are told in the worker (on_drop of
       its listening), as Node's event drop is. The primary's listeners only. */
    void (*on_drop)(
        struct cohort_primary *primary, const struct cohort_address *address,
        unsigned count, void *user);
};

/*
 * Add listeners: cluster.on(...) and worker.on(...).
 *
 * events   Stays the caller's, and lives until removed or until the primary
 *          (the worker) is gone.
 * Order    A worker's may be added right after the fork: nothing was told yet.
 */
int cohort_primary_listen(
    struct cohort_primary *primary, const struct cohort_events *events,
    void *user);
int cohort_worker_listen(
    struct cohort_worker *worker, const struct cohort_events *events,
    void *user);

/* Remove what was added with the same two pointers. Fine from a callback. */
void cohort_primary_unlisten(
    struct cohort_primary *primary, const struct cohort_events *events,
    void *user);
void cohort_worker_unlisten(
    struct cohort_worker *worker, const struct cohort_events *events,
    void *user);

/* --- in a worker: cluster.worker ---------------------------------------------
 *
 * cohort_self_id(), cohort_self_log() and cohort_self_event_base() of
 * <cohort/cohort.h> are for it, too. A worker ends with status 0 at once if its
 * channel ends without its own doing; it does not outlive its primary.
 *
 * A worker of cohort_run() is none: its primary decides when it leaves and
 * where it listens. It may send; cohort_self_is_connected() says whether there
 * is a primary, cohort_self_is_leaving() whether it is drained. What else is
 * declared below does nothing for it, or returns -EOPNOTSUPP.
 */

struct cohort_self_events {
    void (*on_message)(
        struct cohort_self *self, struct cohort_message *message, void *user);
    /* The primary wants us to leave; our addresses are closed. Once. */
    void (*on_leave)(struct cohort_self *self, void *user);
    /* The channel has ended. The process ends after this call, unless it
       leaves voluntarily. */
    void (*on_disconnect)(struct cohort_self *self, void *user);
};

/*
 * Take up the channel: the primary tells online. Once per process. SIGPIPE is
 * ignored from then on, and SIGRTMAX tells of the primary's death:
 * on_disconnect has 0.9 s then.
 *
 * base     As of cohort_primary_new; NULL: one of its own (cohort_self_run).
 * events   As of cohort_primary_listen; NULL: none. Messages that came before
 *          wait.
 * Returns  NULL with errno set: EPERM when this is no worker; EEXIST.
 */
struct cohort_self *cohort_self_new(
    struct event_base *base, const struct cohort_self_events *events,
    void *user);

/* Hang up and free everything; what does not go out at once is lost. Not from a
   callback. NULL is fine. */
void cohort_self_free(struct cohort_self *self);

/* cluster.worker: what cohort_self_new returned; NULL in a primary. */
struct cohort_self *cohort_self_current(void);

/*
 * Run the event loop until the worker has nothing left: it is disconnected, and
 * its connections are closed.
 *
 * Returns  The exit status for main.
 */
int cohort_self_run(struct cohort_self *self);

/* process.send(), as cohort_worker_send. In a worker of cohort_run() the
   message becomes an event of the admin socket: a JSON value without a handle
   and on_sent, -EINVAL for others; -EPIPE where there is no primary. */
int cohort_self_send(struct cohort_self *self, const void *data, size_t size);
int cohort_self_send_with(
    struct cohort_self *self, const void *data, size_t size,
    const struct cohort_send *options);

/* cluster.worker.isConnected() */
bool cohort_self_is_connected(const struct cohort_self *self);

/* cluster.worker.exitedAfterDisconnect: true once it leaves voluntarily. */
bool cohort_self_is_leaving(const struct cohort_self *self);

/* cluster.worker.disconnect(): close all addresses, wait for their connections,
   tell the primary that it is voluntary, hang up. */
void cohort_self_disconnect(struct cohort_self *self);

/* cluster.worker.kill(): the same without waiting, then the process ends with
   status 0. */
void cohort_self_kill(struct cohort_self *self);

/* process.disconnect(): hang up; accidental. No more connections and messages
   come. What was sent before goes out first: the primary has five seconds to
   read it. Then the process ends with status 0, later than this call and after
   on_disconnect. */
void cohort_self_hang_up(struct cohort_self *self);

/* --- secrets: ticketKeys -----------------------------------------------------
 *
 * Random bytes that the primary makes for its workers, for keys such as those
 * of TLS tickets: a client may come back to any worker, whatever the policy.
 */

/*
 * Ask the primary for a secret. All workers that ask for the same name and size
 * have the same one, those of now and those that come later; it is kept as long
 * as the primary, while workers come and go (in a worker_group: by group, over
 * reloads), rotated by it, and seen to rotate by all at once. It lies in memory
 * that the primary alone can write.
 *
 * name      1 to COHORT_SECRET_NAME_MAX bytes; copied.
 * size      1 to COHORT_SECRET_SIZE_MAX.
 * rotate_s  So long it is the current one, then it is the previous one; 0: 12
 *           hours; at most ten years. Who asks last decides for all. While
 *           there is no worker its time stands still.
 * index     Out: for cohort_self_secret(), which says -EAGAIN until the primary
 *           has answered, and what went wrong if it cannot be had.
 * Order     It has been answered when on_listening is called for an address
 *           that the primary was asked for later, and when a message comes that
 *           answers one of later.
 * Returns   0; -EINVAL; -ENOSPC beyond 16 secrets; -EPIPE when the channel has
 *           ended; -EOPNOTSUPP in a worker of cohort_run(), whose service
 *           declares its own (cohort_load_secret()), and under a primary that
 *           makes none: Node's, or an older library's.
 */
int cohort_self_ask_secret(
    struct cohort_self *self, const char *name, size_t size, uint64_t rotate_s,
    size_t *index);

/* --- listening: server.listen() ------------------------------------------- */

/* What happens to connections beyond the maximum. */
enum cohort_full {
    COHORT_FULL_NEXT, /* another worker gets them; if all are full, they wait */
    COHORT_FULL_DROP, /* closed at once: dropMaxConnection */
};

/* How to listen; all zero is fine. */
struct cohort_listen_settings {
    /* policy, backlog (the largest of all workers' counts), ipv6only, mode and
       the others; the first worker's make the socket. */
    struct cohort_listen_options socket;
    /* exclusive: the socket is this worker's alone, and the primary is not
       asked; port 0 differs per worker. With policy reuseport (reusePort)
       several processes share the port. */
    bool is_exclusive;
    /* UDP: cohort_listening_fd() is the socket, shared by all workers unless it
       is exclusive or adopted; reading is the program's business. */
    bool is_udp;
    unsigned connection_max; /* maxConnections; 0: no limit */
    enum cohort_full when_full;

    /* The event listening: error is 0. Else the address cannot be had: -errno,
       and why says what and where; the listening is gone after the call. */
    void (*on_listening)(
        struct cohort_listening *listening, int error, const char *why,
        void *user);
    /* A client. fd is non-blocking, close-on-exec and the program's, who ends
       it with cohort_connection_close() or tells cohort_connection_closed(). */
    void (*on_connection)(
        struct cohort_listening *listening, int fd, void *user);
    /* The event drop: one was closed by COHORT_FULL_DROP. */
    void (*on_drop)(struct cohort_listening *listening, void *user);
    /* The event close: no connection of it is left. It is gone after the
       call. */
    void (*on_closed)(struct cohort_listening *listening, void *user);
    void *user;
};

/*
 * Listen on an address: connections come by the policy.
 *
 * address   "127.0.0.1:8000", "8000", "[::]:80", "unix:/run/x.sock"; a host's
 *           name is looked up, and that blocks. Port 0 is the same port in
 *           every worker: one per ordinal, which counts a worker's listens on
 *           port 0 of that address. For a port of one's own add
 *           cohort_self_id() to one.
 * settings  NULL: all zero. Copied.
 * listening Out, may be NULL.
 * Returns   0, on_listening follows; -EINVAL; -ENOENT for a host that is not
 *           found; -ENAMETOOLONG for a unix path; -EPIPE when the channel has
 *           ended or the worker leaves; -ENOSPC beyond 64 addresses;
 *           -EADDRINUSE under a primary of Node's when this worker has it
 *           already (ours tells on_listening); with is_exclusive what the
 *           system says of the socket, after a log line.
 */
int cohort_self_listen(
    struct cohort_self *self, const char *address,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening);

/* listen({fd}): the socket that has this number in the primary. In a
   worker_group it is none that the server listens on itself. */
int cohort_self_listen_fd(
    struct cohort_self *self, int primary_fd,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening);

/* listen(handle): a bound socket of one's own, which is taken over (also on
   failure; -EINVAL when is_udp is set and it is none). The primary is not asked
   and tells no event. */
int cohort_self_listen_adopt(
    struct cohort_self *self, int socket,
    const struct cohort_listen_settings *settings,
    struct cohort_listening **listening);

/* server.address(). NULL before on_listening. */
const struct cohort_address *cohort_listening_address(
    const struct cohort_listening *listening);

/* The socket that this worker accepts from (or reads, for UDP); -1: none. */
int cohort_listening_fd(const struct cohort_listening *listening);

struct cohort_self *cohort_listening_self(
    const struct cohort_listening *listening);

/* Connections that are open. */
unsigned cohort_listening_connection_count(
    const struct cohort_listening *listening);

/* maxConnections, changed. */
void cohort_listening_limit(
    struct cohort_listening *listening, unsigned connection_max,
    enum cohort_full when_full);

/* server.close(): no more connections. on_closed follows when the last one has
   been closed. Twice is fine. */
void cohort_listening_close(struct cohort_listening *listening);

/* End a connection: shutdown (the primary may hold a copy), close, counted. */
void cohort_connection_close(struct cohort_listening *listening, int fd);

/* It has been closed otherwise, or sent to another process. */
void cohort_connection_closed(struct cohort_listening *listening);

/* --- HTTP in a worker ----------------------------------------------------- */

/*
 * Run the HTTP service in this worker: handlers of cohort_handle(), addresses
 * of cohort_listen(), asked of the primary.
 *
 * cohort   Belongs to the worker from now on. Without cohort_listen() it has no
 *          address: it serves what cohort_self_serve_connection() brings. Its
 *          workers and scheduling directives mean nothing here.
 * Order    Once per worker. Listening is told by the event in the primary.
 * Returns  0, or -errno after a log line.
 */
int cohort_self_serve(struct cohort_self *self, struct cohort *cohort);

/* Let that service have a connection that came as a handle. fd is taken over.
   -ENOTCONN without a service: fd is closed. */
int cohort_self_serve_connection(struct cohort_self *self, int fd);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
