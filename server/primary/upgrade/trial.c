/* A process for the new primary, and its last words. */
#include "server/primary/upgrade/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/primary/primary.h"
#include "server/primary/systemd_birth.h"
#include "server/primary/upgrade/handover.h"
#include "server/primary/upgrade/lending.h"
#include "server/primary/upgrade/twin.h"
#include "server/process/spawn.h"

/* --- its beginning -------------------------------------------------------- */

/* In the child. What it prints is ours to read until it has taken over. */
static void
become_new(void *user, int channel, pid_t parent)
{
    const struct coh_upgrade *upgrade = user;
    int own_stderr = dup(STDERR_FILENO);
    const int keep[] = {channel, own_stderr};
    char text[64];
    int result;

    snprintf(text, sizeof(text), "%d:%d:%d", channel, own_stderr, (int)parent);
    setenv(COH_HANDOVER_ENVIRONMENT, text, 1);
    coh_systemd_birth_restore(&upgrade->primary->program->systemd);
    dup2(upgrade->words, STDERR_FILENO);
    result =
        coh_spawn_path(upgrade->binary.path, upgrade->binary.words, keep, 2);
    dprintf(
        STDERR_FILENO, "cannot execute %s: %s\n", upgrade->binary.path,
        strerror(-result));
    _exit(127);
}

int
coh_trial_start(struct coh_upgrade *upgrade)
{
    int ends[2];
    int result = coh_socket_pair(SOCK_SEQPACKET, ends);

    if (result < 0) {
        return result;
    }
    result = coh_lending_send(upgrade, ends[0]);
    if (result < 0) {
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    result = coh_child_fork(
        &upgrade->child, &upgrade->primary->loop, ends, become_new, upgrade);
    if (result < 0) {
        return result;
    }
    upgrade->other = upgrade->child.pid;
    return coh_twin_init(upgrade, ends[0]);
}

/* --- its last words ------------------------------------------------------- */

/* The end of what it has printed, as one line. */
static void
read_words(const struct coh_upgrade *upgrade, char *out, size_t size)
{
    char text[COH_TRIAL_WORDS_SIZE] = "";
    size_t length;
    const char *from;

    if (upgrade->words < 0 ||
        pread(upgrade->words, text, sizeof(text) - 1, 0) < 0) {
        text[0] = '\0';
    }
    length = strlen(text);
    while (length > 0 && (unsigned char)text[length - 1] <= ' ') {
        text[--length] = '\0';
    }
    from = length >= size ? text + length - size + 1 : text;
    snprintf(out, size, "%s", from);
    for (char *at = out; *at; at++) {
        if ((unsigned char)*at < ' ') {
            *at = ' ';
        }
    }
}

void
coh_trial_explain(struct coh_upgrade *upgrade)
{
    char words[COH_UPGRADE_WHY_MAX / 2];

    if (upgrade->report) {
        snprintf(
            upgrade->why, sizeof(upgrade->why), "%.*s",
            (int)strcspn(upgrade->report, "\n\x1e"), upgrade->report);
    }
    if (upgrade->why[0]) {
        return;
    }
    read_words(upgrade, words, sizeof(words));
    snprintf(
        upgrade->why, sizeof(upgrade->why),
        "%.400s ended with %s %d before it served%s%s", upgrade->binary.path,
        upgrade->how.is_signal ? "signal" : "code", upgrade->how.number,
        words[0] ? ": " : "", words);
}
