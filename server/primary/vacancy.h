/* Sockets of their own whose places have no worker: the primary accepts there
   for the workers of others. */
#ifndef COH_PRIMARY_VACANCY_H
#define COH_PRIMARY_VACANCY_H

struct coh_generation;

void coh_vacancy_init(struct coh_generation *generation);
void coh_vacancy_fini(struct coh_generation *generation);

/* A place may have lost its worker, and has none to follow at once: what comes
   to its socket is handed over as long as that lasts. Costs nothing where no
   policy gives places sockets of their own. */
void coh_vacancy_look(struct coh_generation *generation);

#endif
