/* What the program shares with libcohort beyond the public interface. */
#ifndef COH_SERVER_EMBED_H
#define COH_SERVER_EMBED_H

struct coh_helper_birth;

/* Be the admin helper; run_helper of struct coh_program. */
int coh_embed_run_helper(const struct coh_helper_birth *birth);

#endif
