/* Places of members that accept from one socket: given, kept until death, given
   anew. */
#include "server/cluster/site_turns.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/shm.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"

#define AREA_SIZE coh_turns_area_size(COH_SITE_TURNS_MAX)

_Static_assert(
    COH_SITE_TURNS_MAX <= UINT16_MAX, "frames have two bytes for a place");

static bool
is_shared(const struct coh_site *site)
{
    return site->udp < 0 && site->acceptor.policy->id == COHORT_POLICY_SHARED;
}

/* NULL: no other site has the same socket, or none of them has turns. */
static struct coh_site_turns *
find_others(const struct coh_site *site)
{
    const struct coh_site *other;

    TAILQ_FOREACH (other, &site->cluster->sites, link) {
        if (other != site && is_shared(other) && other->turns != NULL &&
            other->acceptor.listener == site->acceptor.listener) {
            return other->turns;
        }
    }
    return NULL;
}

/* NULL, here and below: without them they accept as they come. */
static struct coh_site_turns *
get(struct coh_site *site)
{
    if (site->turns == NULL) {
        site->turns = find_others(site);
        if (site->turns == NULL) {
            site->turns = calloc(1, sizeof(*site->turns));
        }
        if (site->turns != NULL) {
            site->turns->site_count++;
        }
    }
    return site->turns;
}

static struct coh_turns_area *
get_area(struct coh_site_turns *turns)
{
    int fd;

    if (turns->area == NULL) {
        fd = coh_shm_create("cohort-turns", AREA_SIZE);
        turns->area = fd >= 0 ? coh_shm_map(fd, AREA_SIZE) : NULL;
        if (turns->area != NULL) {
            turns->fd = fd;
        } else if (fd >= 0) {
            close(fd);
        }
    }
    return turns->area;
}

static void
show_outsiders(struct coh_site_turns *turns)
{
    if (turns->area != NULL) {
        atomic_store_explicit(
            &turns->area->outsider_count, turns->outsider_count,
            memory_order_relaxed);
    }
}

/* --- places --------------------------------------------------------------- */

static bool
is_seat_there(const struct coh_seat *seat, const struct coh_site_turns *turns)
{
    return is_shared(seat->site) && seat->site->turns == turns;
}

/* By another seat of the member, at the other site of the socket. */
static bool
is_in_use(const struct coh_seat *seat, int place)
{
    const struct coh_seat *other;

    TAILQ_FOREACH (other, &seat->member->seats, member_link) {
        if (other != seat && other->turn == place &&
            is_seat_there(other, seat->site->turns)) {
            return true;
        }
    }
    return false;
}

/* One that it has already, or the lowest that is nobody's; -1: none. */
static int
find_place(const struct coh_seat *seat)
{
    const uint64_t *owners = seat->site->turns->owners;
    int found = -1;

    for (int i = 0; i < COH_SITE_TURNS_MAX; i++) {
        if (owners[i] == seat->member->id && !is_in_use(seat, i)) {
            return i;
        }
        if (found < 0 && owners[i] == 0) {
            found = i;
        }
    }
    return found;
}

static int
take_place(const struct coh_seat *seat)
{
    const struct cohort_worker *member = seat->member;
    struct coh_site_turns *turns = seat->site->turns;
    int place;

    if (member->codec->takes_turns == NULL ||
        !member->codec->takes_turns(member) || get_area(turns) == NULL) {
        return -1;
    }
    place = find_place(seat);
    if (place >= 0) {
        turns->owners[place] = member->id;
        coh_turns_come(turns->area, (unsigned)place);
    }
    return place;
}

/* --- seats ---------------------------------------------------------------- */

void
coh_site_turns_come(struct coh_seat *seat)
{
    struct coh_site_turns *turns;

    if (!is_shared(seat->site)) {
        return;
    }
    turns = get(seat->site);
    if (turns == NULL) {
        return;
    }
    seat->turn = take_place(seat);
    seat->is_outsider = seat->turn < 0;
    turns->outsider_count += seat->is_outsider;
    show_outsiders(turns);
}

void
coh_site_turns_expect(struct coh_seat *seat)
{
    if (seat->turn >= 0) {
        coh_turns_expect(seat->site->turns->area, (unsigned)seat->turn);
    }
}

void
coh_site_turns_isolate(struct coh_seat *seat)
{
    if (seat->turn >= 0) {
        coh_turns_gone(seat->site->turns->area, (unsigned)seat->turn);
    }
}

void
coh_site_turns_leave(struct coh_seat *seat)
{
    coh_site_turns_isolate(seat);
    if (seat->is_outsider) {
        seat->is_outsider = false;
        seat->site->turns->outsider_count--;
        show_outsiders(seat->site->turns);
    }
    seat->turn = -1;
}

void
coh_site_turns_bury(const struct cohort_worker *member)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &member->cluster->sites, link) {
        struct coh_site_turns *turns = site->turns;

        for (unsigned i = 0; turns != NULL && i < COH_SITE_TURNS_MAX; i++) {
            if (turns->owners[i] == member->id) {
                turns->owners[i] = 0;
                coh_turns_gone(turns->area, i);
            }
        }
    }
}

void
coh_site_turns_fini(struct coh_site *site)
{
    struct coh_site_turns *turns = site->turns;

    site->turns = NULL;
    if (turns == NULL || --turns->site_count > 0) {
        return;
    }
    if (turns->area != NULL) {
        coh_shm_unmap(turns->area, AREA_SIZE);
        close(turns->fd);
    }
    free(turns);
}

void
coh_site_turns_forget(struct coh_site *site)
{
    struct coh_site_turns *turns = site->turns;

    if (turns != NULL && turns->area != NULL && turns->fd >= 0) {
        close(turns->fd);
        turns->fd = -1; /* it may be another site's, too */
    }
}
