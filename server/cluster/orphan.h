/* The end of a member whose primary has died. */
#ifndef COH_CLUSTER_ORPHAN_H
#define COH_CLUSTER_ORPHAN_H

/*
 * Let this process live for COH_SPAWN_ORPHAN_LIFE_MS after its primary, instead
 * of dying at once: the end of the channel tells it to leave, and it writes out
 * what it holds. A stuck one dies by SIGKILL then. SIGRTMAX is taken for it. 0
 * or -errno: then it dies at once, as before.
 */
int coh_orphan_prepare(void);

#endif
