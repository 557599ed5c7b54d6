/* Names of a primary that has started its successor: what stood at PATH is at
   PATH.oldbin, too, until one of them leaves. */
#ifndef COH_PRIMARY_OLDBIN_H
#define COH_PRIMARY_OLDBIN_H

#define COH_OLDBIN_SUFFIX ".oldbin"

/* Give the file (a pid file, a unix socket) its second name. The first one is
   there all the time, until another file is moved over it. 0 or -errno. */
int coh_oldbin_keep(const char *path);

/* Back to one name: whatever stands at path now is replaced. 0 or -errno. */
int coh_oldbin_restore(const char *path);

/* Remove the second name: the first one is another's. */
void coh_oldbin_drop(const char *path);

#endif
