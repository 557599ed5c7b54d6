/* How many CPUs are really ours. */
#ifndef COH_CORE_CPU_H
#define COH_CORE_CPU_H

/* At least 1: the CPUs of the affinity mask, bounded by the cgroup quota (v1
   or v2, rounded up). */
unsigned coh_cpu_count(void);

/* The same of affinity_count CPUs, with /proc and /sys looked for under root:
   for tests. */
unsigned coh_cpu_count_under(const char *root, unsigned affinity_count);

#endif
