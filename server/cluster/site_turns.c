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

static void
show_outsiders(struct coh_site *site)
{
    if (site->turns != NULL) {
        atomic_store_explicit(
            &site->turns->area->outsider_count, site->outsider_count,
            memory_order_relaxed);
    }
}

/* NULL: without it they accept as they come. */
static struct coh_site_turns *
make(void)
{
    struct coh_site_turns *turns = calloc(1, sizeof(*turns));

    if (turns == NULL) {
        return NULL;
    }
    turns->fd = coh_shm_create("cohort-turns", AREA_SIZE);
    if (turns->fd >= 0) {
        turns->area = coh_shm_map(turns->fd, AREA_SIZE);
    }
    if (turns->area == NULL) {
        if (turns->fd >= 0) {
            close(turns->fd);
        }
        free(turns);
        return NULL;
    }
    return turns;
}

/* The one that it has already, or the lowest that is nobody's; -1: none. */
static int
find_place(const struct coh_site_turns *turns, uint64_t id)
{
    int found = -1;

    for (int i = 0; i < COH_SITE_TURNS_MAX; i++) {
        if (turns->owners[i] == id) {
            return i;
        }
        if (found < 0 && turns->owners[i] == 0) {
            found = i;
        }
    }
    return found;
}

static int
take_place(struct coh_site *site, const struct cohort_worker *member)
{
    int place;

    if (member->codec->takes_turns == NULL ||
        !member->codec->takes_turns(member)) {
        return -1;
    }
    if (site->turns == NULL) {
        site->turns = make();
    }
    if (site->turns == NULL) {
        return -1;
    }
    place = find_place(site->turns, member->id);
    if (place >= 0) {
        site->turns->owners[place] = member->id;
        coh_turns_come(site->turns->area, (unsigned)place);
    }
    return place;
}

void
coh_site_turns_come(struct coh_seat *seat)
{
    struct coh_site *site = seat->site;

    if (!is_shared(site)) {
        return;
    }
    seat->turn = take_place(site, seat->member);
    site->outsider_count += seat->turn < 0;
    show_outsiders(site);
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
    if (seat->turn < 0 && is_shared(seat->site)) {
        seat->site->outsider_count--;
        show_outsiders(seat->site);
    }
    seat->turn = -1;
}

void
coh_site_turns_bury(const struct cohort_worker *member)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &member->cluster->sites, link) {
        for (unsigned i = 0; site->turns != NULL && i < COH_SITE_TURNS_MAX;
             i++) {
            if (site->turns->owners[i] == member->id) {
                site->turns->owners[i] = 0;
                coh_turns_gone(site->turns->area, i);
            }
        }
    }
}

void
coh_site_turns_fini(struct coh_site *site)
{
    if (site->turns != NULL) {
        coh_shm_unmap(site->turns->area, AREA_SIZE);
        close(site->turns->fd);
        free(site->turns);
        site->turns = NULL;
    }
}

void
coh_site_turns_forget(struct coh_site *site)
{
    if (site->turns != NULL) {
        close(site->turns->fd);
    }
}
