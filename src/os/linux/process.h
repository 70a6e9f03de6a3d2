/* process.h: what /proc/PID says of a process. */
#ifndef PI_OS_LINUX_PROCESS_H
#define PI_OS_LINUX_PROCESS_H

#include "../../core/collect.h"

/* The parts of a stat line that we use (proc(5)). */
typedef struct pi__stat {
  char comm[64]; /* raw bytes; its NUL is not counted */
  size_t comm_length;
  char state;
  uint32_t ppid;
  uint32_t flags; /* PF_* */
  uint64_t start; /* clock ticks after boot */
} pi__stat;

/* A name may hold any byte but NUL, also ") R 1": the last `)` ends it. */
bool pi__stat_parse(const char *text, size_t length, pi__stat *ret);

bool pi__stat_read(int dir, const char *path, pi__stat *ret);

/* The effective user of a status file (proc(5)); false if it does not say. */
bool pi__status_uid(int dir, const char *path, uint32_t *ret);

/* Whom the process runs as (effective) whose folder is `folder`, below `dir`.
 * Of one that has ended it may say root: whoever can read its stat line
 * afterwards knows that it had not. */
bool pi__process_uid(int dir, const char *folder, uint32_t *ret);

/* Is the process still the one that started then, under this name? `proc`:
 * where procfs is mounted (a pi__same_process). */
bool pi__process_same(void *proc, uint32_t pid, uint64_t start,
                      const char *comm, size_t length);

/* In the text of /proc/PID/cgroup, the path that tells best where the process
 * belongs; empty if none does. */
const char *pi__cgroup_best(const char *text, size_t *length);

bool pi__stat_is_kernel_thread(const pi__stat *stat);

/* A zombie, which has nothing left but its numbers and its name? */
bool pi__stat_has_ended(const pi__stat *stat);

/* Reads user, executable, arguments, parent, start and control group of every
 * process in the reading. What cannot be read stays unknown. */
int pi__process_details(const char *proc, pi__reading *reading, pi_error *err);

#endif
