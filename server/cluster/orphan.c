/* A signal at the primary's death starts a timer that kills: nothing that the
   program does can hold it up. */
#include "server/cluster/orphan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "server/process/spawn.h"

static timer_t deadline;

static void
on_parent_death(int number)
{
    const struct itimerspec life = {
        .it_value.tv_nsec = COH_SPAWN_ORPHAN_LIFE_MS * 1000000L};
    int before = errno;

    (void)number;
    timer_settime(deadline, 0, &life, NULL);
    errno = before;
}

int
coh_orphan_prepare(void)
{
    const struct sigaction action = {
        .sa_handler = on_parent_death, .sa_flags = SA_RESTART};
    struct sigevent kill = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};

    if (timer_create(CLOCK_MONOTONIC, &kill, &deadline) < 0) {
        return -errno;
    }
    if (sigaction(SIGRTMAX, &action, NULL) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGRTMAX) < 0) {
        return -errno;
    }
    return 0;
}
