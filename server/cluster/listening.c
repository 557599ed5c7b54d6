/* Listening in a member: serving and closing. */
#include "server/cluster/listening.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/socket.h"
#include "server/cluster/self.h"

/* --- connections ---------------------------------------------------------- */

static unsigned
open_count(const struct cohort_listening *listening)
{
    return coh_intake_open_count(&listening->intake);
}

static bool
is_dropping(const struct cohort_listening *listening)
{
    return listening->settings.when_full == COHORT_FULL_DROP &&
        listening->settings.connection_max > 0 &&
        open_count(listening) > listening->settings.connection_max;
}

/* Those of its own socket, for the primary, which knows the others. */
static void
count_accepted(struct cohort_listening *listening)
{
    struct coh_handoff_words *words = listening->intake.words;

    if (listening->intake.listeners[0].fd >= 0) {
        atomic_store_explicit(
            &words->accepted_count,
            atomic_load_explicit(&words->accepted_count, memory_order_relaxed) +
                1,
            memory_order_relaxed);
    }
}

/* It is among the open ones already. */
static void
on_connection(void *state, int fd, void *user)
{
    struct cohort_listening *listening = state;
    const struct cohort_listen_settings *settings = &listening->settings;

    (void)user;
    count_accepted(listening);
    if (is_dropping(listening) || settings->on_connection == NULL) {
        cohort_connection_close(listening, fd);
        if (settings->on_drop != NULL) {
            settings->on_drop(listening, settings->user);
        }
        return;
    }
    settings->on_connection(listening, fd, settings->user);
}

bool
coh_listening_has_room(const struct cohort_listening *listening)
{
    return listening->state == COH_LISTENING_OPEN &&
        open_count(listening) < listening->intake.open_max;
}

void
coh_listening_serve(struct cohort_listening *listening, int fd)
{
    coh_intake_serve(&listening->intake.listeners[0], fd);
}

void
cohort_connection_closed(struct cohort_listening *listening)
{
    coh_intake_connection_closed(&listening->intake);
    if (listening->state == COH_LISTENING_CLOSING) {
        coh_self_turn(listening->self);
    }
}

void
cohort_connection_close(struct cohort_listening *listening, int fd)
{
    shutdown(fd, SHUT_RDWR);
    close(fd);
    cohort_connection_closed(listening);
}

/* What the intake refuses goes to another worker. */
static unsigned
open_max_of(unsigned connection_max, enum cohort_full when_full)
{
    return connection_max > 0 && when_full == COHORT_FULL_NEXT ? connection_max
                                                               : UINT_MAX;
}

void
cohort_listening_limit(
    struct cohort_listening *listening, unsigned connection_max,
    enum cohort_full when_full)
{
    listening->settings.connection_max = connection_max;
    listening->settings.when_full = when_full;
    listening->intake.open_max = open_max_of(connection_max, when_full);
    /* As if one had come and gone: those that wait for room are let in. */
    atomic_fetch_add(&listening->intake.words->open_count, 1);
    coh_intake_connection_closed(&listening->intake);
}

/* --- life ----------------------------------------------------------------- */

struct cohort_listening *
coh_listening_new(
    struct coh_cluster_self *self,
    const struct cohort_listen_settings *settings)
{
    struct cohort_listening *listening = calloc(1, sizeof(*listening));

    if (listening == NULL) {
        return NULL;
    }
    listening->self = self;
    listening->settings = *settings;
    listening->udp = -1;
    listening->intake = (struct coh_intake){
        .loop = &self->self.loop,
        .log = self->self.log,
        .channel = self->words != NULL ? &self->native : NULL,
        .words = &listening->words,
        .open_max = open_max_of(settings->connection_max, settings->when_full),
        .on_connection = on_connection,
        .state = listening,
    };
    if (coh_intake_init(&listening->intake, 1) < 0) {
        free(listening);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&self->listenings, listening, link);
    self->listening_count++;
    return listening;
}

void
coh_listening_free(struct cohort_listening *listening)
{
    struct coh_cluster_self *self = listening->self;

    TAILQ_REMOVE(&self->listenings, listening, link);
    self->listening_count--;
    coh_intake_fini(&listening->intake);
    coh_listening_leave_turns(listening);
    if (listening->udp >= 0) {
        close(listening->udp);
    }
    free(listening->key);
    free(listening);
    coh_self_turn(self);
}

void
coh_listenings_free(struct coh_cluster_self *self)
{
    struct cohort_listening *listening;

    while ((listening = TAILQ_FIRST(&self->listenings)) != NULL) {
        coh_listening_free(listening);
    }
}

/* Its words are the primary's again: our count moves. */
static void
leave_words(struct cohort_listening *listening)
{
    unsigned count = open_count(listening);

    listening->words.open_count = count;
    listening->intake.words = &listening->words;
    listening->number = 0;
}

void
cohort_listening_close(struct cohort_listening *listening)
{
    struct coh_cluster_self *self = listening->self;

    if (listening->state == COH_LISTENING_CLOSING) {
        return;
    }
    listening->state = COH_LISTENING_CLOSING;
    coh_intake_drain(&listening->intake);
    coh_listening_leave_turns(listening);
    if (listening->udp >= 0) {
        close(listening->udp);
        listening->udp = -1;
    }
    if (!listening->is_own && listening->is_answered &&
        self->state != COH_SELF_HUNG_UP) {
        self->codec->closed(listening);
    }
    leave_words(listening);
    coh_self_turn(self);
}

void
coh_listenings_close(struct coh_cluster_self *self)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        cohort_listening_close(listening);
    }
}

/* --- serving -------------------------------------------------------------- */

void
coh_listening_start(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer)
{
    struct coh_intake *intake = &listening->intake;

    listening->number = answer->number;
    if (listening->query.is_udp) {
        listening->udp = answer->fd;
    } else {
        if (answer->words != NULL) {
            intake->words = answer->words;
        }
        coh_listening_join_turns(listening, answer);
        coh_intake_set(
            intake, 0, answer->policy, &answer->bound, answer->fd, NULL);
        coh_listening_accept(listening);
    }
    coh_query_describe(
        &listening->query, &answer->bound, &listening->address,
        listening->host);
    listening->state = COH_LISTENING_OPEN;
}

static void
fail(struct cohort_listening *listening, int error, const char *why)
{
    const struct cohort_listen_settings *settings = &listening->settings;

    if (settings->on_listening != NULL) {
        settings->on_listening(listening, error, why, settings->user);
    } else {
        cohort_error(listening->self->self.log, "%s", why);
    }
    coh_listening_free(listening);
}

static void
tell_listening(struct cohort_listening *listening)
{
    const struct cohort_listen_settings *settings = &listening->settings;

    listening->is_untold = false;
    if (settings->on_listening != NULL) {
        settings->on_listening(listening, 0, NULL, settings->user);
    }
}

void
coh_listening_answered(
    struct cohort_listening *listening,
    const struct coh_listening_answer *answer)
{
    struct coh_cluster_self *self = listening->self;

    listening->is_answered = true;
    if (listening->state == COH_LISTENING_CLOSING) {
        if (answer->fd >= 0) {
            close(answer->fd);
        }
        if (answer->result == 0) {
            listening->number = answer->number;
            self->codec->closed(listening);
            listening->number = 0;
        }
        coh_self_turn(self);
    } else if (answer->result < 0) {
        fail(listening, answer->result, answer->why);
    } else {
        coh_listening_start(listening, answer);
        self->codec->listening(listening);
        tell_listening(listening);
    }
}

void
coh_listenings_turn(struct coh_cluster_self *self)
{
    struct cohort_listening *listening = TAILQ_FIRST(&self->listenings);

    while (listening != NULL) {
        struct cohort_listening *next = TAILQ_NEXT(listening, link);
        const struct cohort_listen_settings *settings = &listening->settings;

        if (listening->is_untold) {
            tell_listening(listening);
        }
        if (listening->state == COH_LISTENING_CLOSING &&
            (listening->is_answered || self->state == COH_SELF_HUNG_UP) &&
            open_count(listening) == 0) {
            if (settings->on_closed != NULL) {
                settings->on_closed(listening, settings->user);
            }
            next = TAILQ_NEXT(listening, link);
            coh_listening_free(listening);
        }
        listening = next;
    }
}

/* --- looking up ----------------------------------------------------------- */

struct cohort_listening *
coh_listening_of_request(struct coh_cluster_self *self, uint32_t request)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (listening->request == request && !listening->is_own) {
            return listening;
        }
    }
    return NULL;
}

struct cohort_listening *
coh_listening_of_number(struct coh_cluster_self *self, uint32_t number)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (listening->number == number && number != 0) {
            return listening;
        }
    }
    return NULL;
}

/* --- properties ----------------------------------------------------------- */

const struct cohort_address *
cohort_listening_address(const struct cohort_listening *listening)
{
    return listening->state == COH_LISTENING_OPEN ? &listening->address : NULL;
}

int
cohort_listening_fd(const struct cohort_listening *listening)
{
    return listening->udp >= 0 ? listening->udp
                               : listening->intake.listeners[0].fd;
}

struct cohort_self *
cohort_listening_self(const struct cohort_listening *listening)
{
    return &listening->self->self;
}

unsigned
cohort_listening_connection_count(const struct cohort_listening *listening)
{
    return open_count(listening);
}
