/* process.c: the details of processes that hold sockets. All files of one are
 * opened below one handle of its directory, which never becomes another
 * process's when the pid is used again; its start time shows that it is still
 * the one that was found. */
#include "process.h"
#include "file.h"
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

bool pi__stat_parse(const char *text, size_t length, pi__stat *ret) {
  const char *open = memchr(text, '(', length);
  const char *close = memrchr(text, ')', length);
  if (open == NULL || close == NULL || close < open) return false;
  size_t n = (size_t)(close - open - 1);
  if (n >= sizeof ret->comm) return false;
  memcpy(ret->comm, open + 1, n);
  ret->comm[n] = '\0';
  ret->comm_length = n;
  unsigned long long start;
  // fields 3 to 22: state ppid pgrp session tty tpgid flags ... starttime
  int got = sscanf(close + 1,
                   " %c %u %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d "
                   "%*d %*d %*d %*d %llu",
                   &ret->state, &ret->ppid, &ret->flags, &start);
  ret->start = start;
  return got == 4;
}

bool pi__stat_read(int dir, const char *path, pi__stat *ret) {
  char text[1024];
  ssize_t n = pi__file_read(dir, path, text, sizeof text);
  return n > 0 && pi__stat_parse(text, (size_t)n, ret);
}

bool pi__status_uid(int dir, const char *path, uint32_t *ret) {
  char text[4096];
  unsigned uid;
  if (pi__file_read(dir, path, text, sizeof text) < 0) return false;
  const char *line = strstr(text, "\nUid:");
  if (line == NULL || sscanf(line, "\nUid: %*u %u", &uid) != 1) return false;
  *ret = uid;
  return true;
}

bool pi__process_uid(int dir, const char *folder, uint32_t *ret) {
  char path[32];
  struct statfs fs;
  struct stat st;
  // in procfs the folder is owned by that user even where all in it is root's,
  // as it may not be dumped (fs/proc/base.c, task_dump_owner); to make its
  // status costs the kernel twenty times as much
  if (fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
    if (fstatat(dir, folder, &st, 0) != 0) return false;
    *ret = st.st_uid;
    return true;
  }
  snprintf(path, sizeof path, "%s/status", folder);
  return pi__status_uid(dir, path, ret);
}

bool pi__process_same(void *proc, uint32_t pid, uint64_t start,
                      const char *comm, size_t length) {
  char path[4096];
  pi__stat stat;
  snprintf(path, sizeof path, "%s/%u/stat", (const char *)proc, (unsigned)pid);
  return pi__stat_read(AT_FDCWD, path, &stat) && stat.start == start &&
         stat.comm_length == length && memcmp(stat.comm, comm, length) == 0;
}

bool pi__stat_is_kernel_thread(const pi__stat *stat) {
  return stat->flags & 0x00200000;  // PF_KTHREAD of include/linux/sched.h
}

bool pi__stat_has_ended(const pi__stat *stat) {
  return stat->state == 'Z' || stat->state == 'X';
}

/* ---- Details ------------------------------------------------------------ */

typedef struct details {
  pi__reading *reading;
  const char *proc;
  char *text;   /* scratch, SCRATCH bytes */
  int64_t boot; /* seconds since 1970; 0: unknown */
  long ticks;   /* a second */
  pi__users users;
  pi__stat stat; /* of the process at hand */
} details;

enum { SCRATCH = 1024 * 1024 };

/* Keeps a text, or notes that there is none. */
static int keep(details *d, const char *text, size_t length, uint32_t *ret,
                uint8_t *sight, pi_error *err) {
  *sight = length > 0 ? PI_KNOWN : PI_EMPTY;
  if (length == 0) return 0;
  return pi__reading_text(d->reading, text, length, ret, err);
}

static int read_exe(details *d, int dir, pi__process *p, pi_error *err) {
  ssize_t n = readlinkat(dir, "exe", d->text, SCRATCH);
  if (n >= 0) return keep(d, d->text, (size_t)n, &p->exe, &p->exe_sight, err);
  // a process that is ending has lost its link, too
  bool none = errno == ENOENT && pi__stat_is_kernel_thread(&d->stat);
  if (none) p->exe_sight = PI_EMPTY;
  return 0;
}

/* Has the process ended since its stat line was read? */
static bool has_ended(int dir) {
  pi__stat stat;
  return !pi__stat_read(dir, "stat", &stat) || pi__stat_has_ended(&stat);
}

static int read_cmdline(details *d, int dir, pi__process *p, pi_error *err) {
  ssize_t n = pi__file_read(dir, "cmdline", d->text, SCRATCH);
  // one that ended shows no arguments, as does one that has none
  if (n < 0 || (n == 0 && has_ended(dir))) return 0;
  return pi__reading_arguments(d->reading, p, d->text, (size_t)n, err);
}

/* The path of one line, ID:CONTROLLERS:PATH (cgroups(7)), and how well it tells
 * where the process belongs: the unified hierarchy does, unless it is there and
 * unused (hybrid); then systemd's own; then any. 0: it is no such line. */
static int cgroup_path(const char *line, size_t length, const char **path) {
  static const char unified[] = "0::", systemd[] = "name=systemd:";
  const char *end = line + length;
  const char *second = memchr(line, ':', length);
  if (second == NULL) return 0;
  *path = memchr(second + 1, ':', (size_t)(end - second) - 1);
  if (*path == NULL) return 0;
  ++*path;
  size_t controllers = (size_t)(*path - second) - 1;
  if (strncmp(line, unified, sizeof unified - 1) == 0) {
    return end - *path > 1 ? 4 : 2;
  }
  bool named = controllers == sizeof systemd - 1 &&
               memcmp(second + 1, systemd, controllers) == 0;
  return named ? 3 : 1;
}

const char *pi__cgroup_best(const char *text, size_t *length) {
  const char *best = "", *path;
  int best_rank = 0;
  *length = 0;
  for (const char *line = text; *line != '\0';) {
    size_t n = strcspn(line, "\n");
    int rank = cgroup_path(line, n, &path);
    if (rank > best_rank) {
      best_rank = rank;
      best = path;
      *length = (size_t)(line + n - path);
    }
    line += n + (line[n] == '\n');
  }
  return best;
}

static int read_cgroup(details *d, int dir, pi__process *p, pi_error *err) {
  size_t length;
  if (pi__file_read(dir, "cgroup", d->text, SCRATCH) < 0) return 0;
  const char *path = pi__cgroup_best(d->text, &length);
  // the kernel cuts a longer path, and does not say so (cgroup_path_ns)
  if (length >= PATH_MAX - 1) return 0;
  return pi__reading_cgroup(d->reading, p, path, length, err);
}

static void read_netns(int dir, pi__process *p) {
  char text[64];
  unsigned long long inode;
  ssize_t n = readlinkat(dir, "ns/net", text, sizeof text - 1);
  if (n < 0) return;
  text[n] = '\0';
  if (sscanf(text, "net:[%llu]", &inode) != 1) return;
  p->netns = inode;
  p->netns_sight = PI_KNOWN;
}

static int read_user(details *d, uint32_t uid, pi__process *p, pi_error *err) {
  p->uid = uid;
  int rc = pi__users_name(&d->users, d->reading, (uid_t)uid, &p->user, err);
  if (p->user != 0) p->user_sight = PI_KNOWN;
  return rc;
}

static void note_stat(const details *d, pi__process *p) {
  p->ppid = d->stat.ppid;
  p->ppid_sight = PI_KNOWN;
  if (d->boot == 0) return;
  p->started = d->boot + (int64_t)(d->stat.start / (uint64_t)d->ticks);
  p->started_sight = PI_KNOWN;
}

static int read_details(details *d, int dir, pi__process *p, pi_error *err) {
  uint32_t uid;
  bool has_uid = pi__process_uid(dir, ".", &uid);
  if (!pi__stat_read(dir, "stat", &d->stat) || d->stat.start != p->start) {
    return 0;
  }
  note_stat(d, p);
  read_netns(dir, p);
  int rc = has_uid ? read_user(d, uid, p, err) : 0;
  if (rc == 0) rc = read_exe(d, dir, p, err);
  if (rc == 0) rc = read_cmdline(d, dir, p, err);
  if (rc == 0) rc = read_cgroup(d, dir, p, err);
  return rc;
}

static int64_t boot_time(const char *proc, char *text) {
  char path[4096];
  long long seconds;
  snprintf(path, sizeof path, "%s/stat", proc);
  if (pi__file_read(AT_FDCWD, path, text, SCRATCH) < 0) return 0;
  const char *line = strstr(text, "\nbtime ");
  if (line == NULL || sscanf(line, "\nbtime %lld", &seconds) != 1) return 0;
  return seconds;
}

/* State files are looked for beside procfs, so that those of a host are found
 * whose root is mounted somewhere else. */
static bool read_state(void *arg, const char *name, char **bytes,
                       size_t *length) {
  details *d = arg;
  char path[4096];
  snprintf(path, sizeof path, "%s/../%s", d->proc, name);
  ssize_t n = pi__file_read(AT_FDCWD, path, d->text, SCRATCH);
  if (n < 0 || n == SCRATCH - 1) return false;  // there may be more of it
  *bytes = d->text;
  *length = (size_t)n;
  return true;
}

static int read_all(details *d, pi_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < pi__reading_processes(d->reading); i++) {
    pi__process *p = pi__reading_process_at(d->reading, i);
    char path[4096];
    if (p->detailed) continue;
    if (pi__interrupted(d->reading)) {
      return pi__fail(err, PI_ECANCELED, 0, "interrupted");
    }
    snprintf(path, sizeof path, "%s/%u", d->proc, (unsigned)p->pid);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) continue;  // ended since: its details stay unknown
    rc = read_details(d, dir, p, err);
    close(dir);
  }
  return rc;
}

int pi__process_details(const char *proc, pi__reading *reading, pi_error *err) {
  details d = {.reading = reading, .proc = proc, .ticks = sysconf(_SC_CLK_TCK)};
  d.text = pi__realloc(NULL, SCRATCH);
  if (d.text == NULL) return pi__nomem(err);
  d.boot = d.ticks > 0 ? boot_time(proc, d.text) : 0;
  int rc = read_all(&d, err);
  if (rc == 0) rc = pi__reading_name_containers(reading, read_state, &d, err);
  pi__users_deinit(&d.users);
  pi__realloc(d.text, 0);
  return rc;
}
