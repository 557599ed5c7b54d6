/* The new primary's process from its start until it serves or has ended. */
#ifndef COH_PRIMARY_TRIAL_H
#define COH_PRIMARY_TRIAL_H

struct coh_upgrade;

#define COH_TRIAL_WORDS_SIZE 16384 /* of what it prints, in upgrade->words */

/* Start the binary on disk with one end of a socket pair, where all that it
   gets waits for it. 0 or -errno. */
int coh_trial_start(struct coh_upgrade *upgrade);

/* It has ended: have upgrade->why say why, unless it has said so itself. */
void coh_trial_explain(struct coh_upgrade *upgrade);

#endif
