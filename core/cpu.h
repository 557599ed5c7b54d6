/* How many CPUs are really ours, and binding to one. */
#ifndef COH_CORE_CPU_H
#define COH_CORE_CPU_H

/* At least 1: the CPUs of the affinity mask, bounded by the cgroup quota (v1
   or v2, rounded up). */
unsigned coh_cpu_count(void);

/* Of the given file system root, for tests. */
unsigned coh_cpu_count_under(const char *cgroup_root, unsigned affinity_count);

#endif
