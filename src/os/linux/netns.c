/* netns.c: network namespaces (network_namespaces(7)). Those of processes stand
 * in /proc/PID/ns/net, those with a name are mounted below /run/netns, where
 * ip-netns(8) puts them, and need no process.
 *
 * To ask one for its sockets a thread must be in it (setns(2) moves a thread):
 * it is one of our own, which ends when it has seen them all, so that no way of
 * failing leaves the caller elsewhere. */
#include "netns.h"
#include "file.h"
#include "host.h"
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char folder[] = "/run/netns";

enum { LONGEST = 4096 };

/* The inode of the namespace that a path leads to; 0: it leads to none. */
static uint64_t inode_at(const char *path) {
  struct statfs fs;
  struct stat st;
  if (statfs(path, &fs) != 0 || fs.f_type != NSFS_MAGIC) return 0;
  return stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* ---- Which there are ----------------------------------------------------- */

typedef struct search {
  const pi__want *want;
  pi__reading *reading;
  uint64_t inode; /* the one that is looked for; 0: all are added */
  char *path;     /* LONGEST bytes: where it was found */
  bool found;
  int os; /* why a folder could not be looked through; 0: they were */
  pi_error *err;
} search;

static int add(pi__reading *reading, uint64_t inode, const char *path,
               pi__netns **ret, pi_error *err) {
  int rc = pi__reading_netns_add(reading, inode, err);
  if (rc != 0) return rc;
  size_t last = pi__reading_netns_count(reading) - 1;
  *ret = pi__reading_netns_turn(reading, last);
  return pi__reading_text(reading, path, strlen(path), &(*ret)->path, err);
}

/* Takes what a path leads to, which is a process's, or has a name (pid 0);
 * non-zero ends the search. */
static int meet(search *s, uint64_t inode, const char *path, uint32_t pid) {
  if (s->inode == 0) {
    pi__netns *n = pi__reading_netns_seek(s->reading, inode);
    int rc = n != NULL ? 0 : add(s->reading, inode, path, &n, s->err);
    // ours would be another one each time
    if (rc == 0 && n->pid == 0 && pid != (uint32_t)getpid()) n->pid = pid;
    return rc;
  }
  if (inode != s->inode) return 0;
  snprintf(s->path, LONGEST, "%s", path);
  s->found = true;
  return 1;
}

/* NULL at the end, which may be one that the kernel makes. */
static const struct dirent *next_entry(search *s, DIR *dir) {
  errno = 0;
  const struct dirent *entry = readdir(dir);
  if (entry == NULL && errno != 0) s->os = errno;
  return entry;
}

static int search_names(search *s) {
  DIR *dir = opendir(folder);
  if (dir == NULL) {
    if (errno != ENOENT) s->os = errno;  // that nobody made one is no gap
    return 0;
  }
  int rc = 0;
  const struct dirent *entry;
  while (rc == 0 && (entry = next_entry(s, dir)) != NULL) {
    char path[LONGEST];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    uint64_t inode = inode_at(path);
    if (inode != 0) rc = meet(s, inode, path, 0);
  }
  closedir(dir);
  return rc;
}

/* The number in "net:[4026531833]". */
static uint64_t parse_link(const char *text) {
  static const char prefix[] = "net:[";
  if (strncmp(text, prefix, sizeof prefix - 1) != 0) return 0;
  return strtoull(text + sizeof prefix - 1, NULL, 10);
}

/* A kernel thread has none of its own. */
static bool is_kernel_thread(const char *proc, const char *pid) {
  char path[LONGEST];
  pi__stat stat;
  snprintf(path, sizeof path, "%s/%s/stat", proc, pid);
  return pi__stat_read(AT_FDCWD, path, &stat) &&
         pi__stat_is_kernel_thread(&stat);
}

static int search_process(search *s, const char *pid) {
  char path[LONGEST], text[64];
  const char *proc = s->want->proc;
  snprintf(path, sizeof path, "%s/%s/ns/net", proc, pid);
  ssize_t n = readlink(path, text, sizeof text - 1);
  if (n < 0) {
    bool denied = errno == EACCES || errno == EPERM;
    if (denied && s->inode == 0 && !is_kernel_thread(proc, pid)) {
      pi__reading_quality(s->reading)->untold++;
    }
    return 0;
  }
  text[n] = '\0';
  uint64_t inode = parse_link(text);
  if (inode == 0) return 0;
  return meet(s, inode, path, (uint32_t)strtoul(pid, NULL, 10));
}

static int search_processes(search *s) {
  DIR *dir = opendir(s->want->proc);
  if (dir == NULL) {
    s->os = errno;
    return 0;
  }
  int rc = 0;
  const struct dirent *entry;
  while (rc == 0 && (entry = next_entry(s, dir)) != NULL) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    if (pi__interrupted(s->reading)) {
      rc = pi__fail(s->err, PI_ECANCELED, 0, "interrupted");
    } else {
      rc = search_process(s, entry->d_name);
    }
  }
  closedir(dir);
  return rc;
}

static int list_all(const pi__want *want, pi__reading *reading, pi_error *err) {
  search s = {.want = want, .reading = reading, .err = err};
  pi_quality *q = pi__reading_quality(reading);
  pi__host_sight(want->proc, q);
  q->unlisted = q->hidden || q->nested;
  int rc = search_names(&s);
  if (rc == 0) rc = search_processes(&s);
  q->unlisted = q->unlisted || s.os != 0;
  return rc;
}

/* ---- The one that is asked for ------------------------------------------- */

static bool is_pid(const char *wish) {
  return wish[0] != '\0' && wish[strspn(wish, "0123456789")] == '\0';
}

/* `pid:812`, as such a namespace is called, is the process 812. */
static const char *spelt_pid(const char *wish) {
  bool named = strncmp(wish, "pid:", 4) == 0 && is_pid(wish + 4);
  return named ? wish + 4 : wish;
}

static int no_such(const char *wish, int os, pi_error *err) {
  if (strchr(wish, '/') != NULL) {
    return pi__fail(err, PI_EOS, os, "%s is no network namespace%s%s", wish,
                    os != 0 ? ": " : "", os != 0 ? strerror(os) : "");
  }
  if (is_pid(wish)) {
    return pi__fail(err, PI_EOS, os, "network namespace of process %s: %s",
                    wish, strerror(os));
  }
  return pi__fail(err, PI_EOS, os,
                  "no network namespace is called %s (ip netns tells which "
                  "there are; a path has a slash in it)",
                  wish);
}

static int list_one(const pi__want *want, pi__reading *reading, pi_error *err) {
  char path[LONGEST];
  const char *wish = spelt_pid(want->netns);
  bool is_path = strchr(wish, '/') != NULL;
  snprintf(path, sizeof path, "%s%s%s", is_path ? "" : folder,
           is_path ? "" : "/", wish);
  errno = 0;
  uint64_t inode = inode_at(path);
  bool by_pid = inode == 0 && is_pid(wish);
  if (by_pid) {
    snprintf(path, sizeof path, "%s/%s/ns/net", want->proc, wish);
    errno = 0;
    inode = inode_at(path);
  }
  if (inode == 0) return no_such(wish, errno, err);
  pi__netns *n = pi__reading_netns_turn(reading, 0);
  if (by_pid) n->pid = (uint32_t)strtoul(wish, NULL, 10);
  if (n->host.netns == inode) return 0;  // where we are
  n->host.netns = inode;
  return pi__reading_text(reading, path, strlen(path), &n->path, err);
}

int pi__netns_list(const pi__want *want, pi__reading *reading, pi_error *err) {
  pi__reading_host(reading)->netns = pi__host_netns(want->proc);
  if (strcmp(want->netns, "own") == 0) return 0;
  if (strcmp(want->netns, "all") == 0) return list_all(want, reading, err);
  return list_one(want, reading, err);
}

/* ---- Inside -------------------------------------------------------------- */

typedef struct tour {
  const pi__want *want;
  pi__reading *reading;
  pi__netns_run run;
  void *arg;
  pi_error *refusal;
  pi_error err;
  int rc;
} tour;

/* Moves this thread; 0 or an errno, ENOENT if it is another one by now. */
static int enter_path(const char *path, uint64_t inode) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ESRCH ? ENOENT : errno;
  int os = 0;
  if (fstat(fd, &st) != 0)
    os = errno;
  else if (st.st_ino != inode)
    os = ENOENT;
  else if (setns(fd, CLONE_NEWNET) != 0)
    os = errno;
  close(fd);
  return os;
}

/* The process that led there may have ended, and others still live in it. */
static int enter(tour *t, const pi__netns *n) {
  char path[LONGEST];
  pi_error err;
  search s = {.want = t->want,
              .reading = t->reading,
              .inode = n->host.netns,
              .path = path,
              .err = &err};
  int os = enter_path(pi__reading_text_at(t->reading, n->path), s.inode);
  if (os != ENOENT) return os;
  search_processes(&s);
  if (s.found) return enter_path(path, s.inode);
  return s.os != 0 ? s.os : ENOENT;
}

static void refuse(tour *t, pi__netns *n, int os) {
  if (!(t->want->groups & PI_GROUP_SOCKET)) return;
  n->gone = os == ENOENT || os == EINVAL;  // it is no network namespace
  n->closed = !n->gone;
  if (t->refusal->code != 0) return;
  pi__fail(t->refusal, PI_EOS, os, "network namespace %s: %s",
           pi__reading_text_at(t->reading, n->path),
           os == EINVAL ? "it is a namespace of another kind" : strerror(os));
}

static bool is_elsewhere(const pi__netns *n) {
  return n->path != 0 && !n->closed && !n->gone && !n->outside;
}

static void *visit_others(void *arg) {
  tour *t = arg;
  size_t count = pi__reading_netns_count(t->reading);
  for (size_t i = 0; t->rc == 0 && i < count; i++) {
    pi__netns *n = pi__reading_netns_turn(t->reading, i);
    if (!is_elsewhere(n)) continue;
    int os = enter(t, n);
    if (os != 0)
      refuse(t, n, os);
    else
      t->rc = t->run(t->want, t->reading, t->arg, &t->err);
  }
  return NULL;
}

static void send_thread(tour *t, size_t others) {
  pthread_t thread;
  if (others == 0) return;
  int os = pthread_create(&thread, NULL, visit_others, t);
  if (os == 0) {
    pthread_join(thread, NULL);
    return;
  }
  for (size_t i = 0; i < pi__reading_netns_count(t->reading); i++) {
    pi__netns *n = pi__reading_netns_turn(t->reading, i);
    if (is_elsewhere(n)) refuse(t, n, os);
  }
}

int pi__netns_each(const pi__want *want, pi__reading *reading,
                   pi__netns_run run, void *arg, pi_error *refusal,
                   pi_error *err) {
  tour t = {.want = want,
            .reading = reading,
            .run = run,
            .arg = arg,
            .refusal = refusal};
  size_t count = pi__reading_netns_count(reading), others = 0;
  for (size_t i = 0; t.rc == 0 && i < count; i++) {
    const pi__netns *n = pi__reading_netns_turn(reading, i);
    if (n->path == 0 && !n->outside)
      t.rc = run(want, reading, arg, &t.err);
    else
      others += is_elsewhere(n);
  }
  if (t.rc == 0) send_thread(&t, others);
  pi__reading_netns_turn(reading, 0);
  if (t.rc != 0 && err != NULL) *err = t.err;
  return t.rc;
}

bool pi__netns_incomplete(const pi__want *want, pi__reading *reading) {
  if (strcmp(want->netns, "all") == 0) return true;
  const pi__netns *n = pi__reading_netns_turn(reading, 0);
  return n->closed;
}

bool pi__netns_any(pi__reading *reading) {
  for (size_t i = 0; i < pi__reading_netns_count(reading); i++) {
    const pi__netns *n = pi__reading_netns_turn(reading, i);
    if (!n->closed && !n->gone) return true;
  }
  return false;
}

/* ---- Names --------------------------------------------------------------- */

/* The part of a path below the folder of names; NULL: it is elsewhere. */
static const char *name_in(const char *path) {
  const size_t length = sizeof folder - 1;
  bool below = strncmp(path, folder, length) == 0 && path[length] == '/';
  return below ? path + length + 1 : NULL;
}

/* What the control group of a process tells of who lives there. */
static int name_by_process(const pi__want *want, pi__reading *reading,
                           pi__netns *n, pi_error *err) {
  char path[LONGEST], text[LONGEST];
  snprintf(path, sizeof path, "%s/%u/cgroup", want->proc, (unsigned)n->pid);
  bool told = pi__file_read(AT_FDCWD, path, text, sizeof text) > 0;
  size_t length;
  const char *group = pi__cgroup_best(told ? text : "", &length);
  return pi__reading_netns_home(reading, n, group, length, err);
}

static int name_one(const pi__want *want, pi__reading *reading, pi__netns *n,
                    pi_error *err) {
  char path[LONGEST] = "";
  const char *known = pi__reading_text_at(reading, n->path);
  search s = {.want = want,
              .reading = reading,
              .inode = n->host.netns,
              .path = path,
              .err = err};
  bool seen = s.inode != 0 && !n->closed && !n->outside;
  n->name_sight = seen ? PI_EMPTY : PI_UNKNOWN;
  if (s.inode == 0) return 0;
  if (known != NULL) snprintf(path, sizeof path, "%s", known);
  if (name_in(path) == NULL) search_names(&s);
  const char *name = name_in(path);
  if (s.os != 0) n->name_sight = PI_UNKNOWN;
  if (name == NULL && n->pid == 0) return 0;
  if (name == NULL) return name_by_process(want, reading, n, err);
  n->name_sight = PI_KNOWN;
  return pi__reading_text(reading, name, strlen(name), &n->name, err);
}

int pi__netns_name(const pi__want *want, pi__reading *reading, pi_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < pi__reading_netns_count(reading); i++) {
    rc = name_one(want, reading, pi__reading_netns_turn(reading, i), err);
  }
  pi__reading_netns_turn(reading, 0);
  return rc;
}
