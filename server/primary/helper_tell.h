/* What the admin helper is told. */
#ifndef COH_PRIMARY_HELPER_TELL_H
#define COH_PRIMARY_HELPER_TELL_H

struct coh_event;
struct coh_helper;

/* It has just been started: hello, the events of before, its settings. */
void coh_helper_tell_first(struct coh_helper *helper);

/* Its addresses and rights are these. */
void coh_helper_tell_settings(struct coh_helper *helper);

/* Finish what was asked, and leave. */
void coh_helper_tell_leave(struct coh_helper *helper);

/* Send it the events that it has not been told, as far as it keeps up. */
void coh_helper_tell_events(struct coh_helper *helper);

/* Where its log goes, which is its standard error. */
int coh_helper_log_fd(const struct coh_helper *helper);

/* The reader of events; user: struct coh_helper. */
void coh_helper_on_event(void *user, const struct coh_event *event);

#endif
