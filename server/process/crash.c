/* Handlers that call nothing but what is safe in them: another fault inside
   ends the process at once, by the same signal. */
#include "server/process/crash.h"

#include <errno.h>
#include <string.h>

#include "core/sanitize.h"
#include "core/signal_line.h"
#include "server/process/self.h"
#include "server/process/slot.h"
#include "server/process/stack.h"

#define LEVEL COHORT_LOG_ALERT

/* A stack that has run over leaves no room for a handler. */
#define HANDLER_STACK_SIZE (64 * 1024)

static struct cohort_self *worker; /* NULL: none, or none any more */
static _Alignas(16) char handler_stack[HANDLER_STACK_SIZE];

/* The size of all that the service has to say; the beginning of it in out. */
static size_t
ask_service(char *out, size_t size)
{
    const struct cohort_service *service = worker->load->service;

    return service->doing && worker->is_started
        ? service->doing(worker->load->state, out, size)
        : 0;
}

static void
begin_line(struct coh_signal_line *line, const char *what)
{
    coh_signal_line_begin(line, LEVEL);
    coh_signal_line_text(line, "worker ");
    coh_signal_line_number(line, worker->id);
    coh_signal_line_text(line, what);
}

/* --- the primary asks ----------------------------------------------------- */

/* In the slot it is found by the primary, too. */
static void
write_doing(void)
{
    char *doing = worker->slot->pulse.doing;
    uint64_t since = atomic_load(&worker->slot->pulse.busy_since);
    size_t size = ask_service(doing, COH_PULSE_DOING_MAX - 1);
    struct coh_signal_line line;

    if (size > COH_PULSE_DOING_MAX - 1) {
        size = COH_PULSE_DOING_MAX - 1;
    }
    doing[size] = '\0';
    begin_line(&line, " was asked what it is doing: ");
    if (size > 0) {
        coh_signal_line_bytes(&line, doing, size);
    } else {
        coh_signal_line_text(&line, "nothing for a client");
    }
    if (since > 0) {
        coh_signal_line_text(&line, ", in this turn of its loop for ");
        coh_signal_line_number(&line, coh_monotonic_ms() - since);
        coh_signal_line_text(&line, " ms");
    }
    coh_signal_line_write(&line, worker->log, LEVEL);
}

static void
on_question(int number)
{
    int saved_errno = errno;

    (void)number;
    if (worker) {
        write_doing();
        coh_stack_write(worker->log, LEVEL);
    }
    errno = saved_errno;
}

/* --- a crash -------------------------------------------------------------- */

static void
write_crash(int number, const siginfo_t *info)
{
    const char *name = sigdescr_np(number);
    struct coh_signal_line line;
    char unused[1];

    begin_line(&line, " crashes by signal ");
    coh_signal_line_number(&line, (uint64_t)number);
    coh_signal_line_text(&line, " (");
    coh_signal_line_text(&line, name ? name : "?");
    if (info->si_code > 0) { /* the kernel's: it knows where */
        coh_signal_line_text(&line, " at ");
        coh_signal_line_hex(&line, (uintptr_t)info->si_addr);
    }
    coh_signal_line_text(&line, ") with ");
    coh_signal_line_number(
        &line, atomic_load(&worker->slot->handoff.open_count));
    coh_signal_line_text(&line, " connections");
    coh_signal_line_write(&line, worker->log, LEVEL);

    begin_line(&line, " served a request line of ");
    coh_signal_line_number(&line, ask_service(unused, 0));
    coh_signal_line_text(&line, " bytes");
    coh_signal_line_write(&line, worker->log, LEVEL);
}

/* The disposition is the default one again. What the kernel sent comes again
   when the instruction is repeated, with its own siginfo; the rest is sent. */
static void
on_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (worker) {
        write_crash(number, info);
        coh_stack_write(worker->log, LEVEL);
    }
    if (info->si_code <= 0) {
        raise(number); /* waits until we return */
    }
}

static void
handle_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    const stack_t stack = {
        .ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
    struct sigaction action = {
        .sa_sigaction = on_crash,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND,
    };

    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

/* --- both ----------------------------------------------------------------- */

void
coh_crash_begin(struct cohort_self *self)
{
    const struct sigaction question = {
        .sa_handler = on_question, .sa_flags = SA_RESTART};

    worker = self;
    sigaction(COH_SIGNAL_TELL, &question, NULL);
    if (!COH_IS_SANITIZED) {
        handle_crashes();
    }
}

void
coh_crash_end(void)
{
    worker = NULL;
}
