/* procroot.h: a procfs of the tests' own, in a temporary folder. Links to
 * sockets dangle there as they do in the real one. */
#ifndef PI_TESTS_PROCROOT_H
#define PI_TESTS_PROCROOT_H

#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char procroot[64];

static inline void procroot_make(void) {
  strcpy(procroot, "/tmp/portinfo-proc-XXXXXX");
  assert_non_null(mkdtemp(procroot));
  assert_int_equal(0, chmod(procroot, 0755));
}

static inline int procroot_remove_one(const char *path, const struct stat *st,
                                      int kind, struct FTW *where) {
  (void)st;
  (void)kind;
  (void)where;
  return remove(path);
}

static inline int procroot_open_one(const char *path, const struct stat *st,
                                    int kind, struct FTW *where) {
  (void)where;
  if (kind == FTW_D || kind == FTW_DNR) return chmod(path, 0755);
  return S_ISREG(st->st_mode) ? chmod(path, 0644) : 0;
}

static inline void procroot_remove(void) {
  if (procroot[0] == '\0') return;
  nftw(procroot, procroot_open_one, 16, FTW_PHYS);
  nftw(procroot, procroot_remove_one, 16, FTW_PHYS | FTW_DEPTH);
  procroot[0] = '\0';
}

/* For tests whose world is such a folder, and what they put there. */
static inline int procroot_setup(void **state) {
  (void)state;
  procroot_make();
  return 0;
}

static inline int procroot_teardown(void **state) {
  (void)state;
  procroot_remove();
  return 0;
}

/* The path of a name below the root, with the folders above it made. */
static inline const char *procroot_path(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", procroot, name);
  for (char *p = path + strlen(procroot) + 1; (p = strchr(p, '/')); p++) {
    *p = '\0';
    if (mkdir(path, 0755) != 0) assert_int_equal(EEXIST, errno);
    *p = '/';
  }
  return path;
}

static inline void procroot_write(const char *name, const char *bytes,
                                  size_t length) {
  FILE *file = fopen(procroot_path(name), "wb");
  assert_non_null(file);
  assert_int_equal(length, fwrite(bytes, 1, length, file));
  fclose(file);
}

static inline void procroot_text(const char *name, const char *text) {
  procroot_write(name, text, strlen(text));
}

static inline void procroot_link(const char *name, const char *target) {
  assert_int_equal(0, symlink(target, procroot_path(name)));
}

/* A process without descriptors; `start` in clock ticks. */
static inline void procroot_process(unsigned pid, const char *comm,
                                    unsigned start) {
  char name[64], text[512];
  snprintf(name, sizeof name, "%u/fd/.", pid);
  procroot_path(name);
  snprintf(name, sizeof name, "%u/stat", pid);
  snprintf(text, sizeof text,
           "%u (%s) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %u 9 9\n",
           pid, comm, start);
  procroot_text(name, text);
}

static inline void procroot_hold(unsigned pid, int fd, uint64_t inode) {
  char name[64], target[64];
  snprintf(name, sizeof name, "%u/fd/%d", pid, fd);
  snprintf(target, sizeof target, "socket:[%llu]", (unsigned long long)inode);
  procroot_link(name, target);
}

/* exe, cmdline, cgroup and status of a process, and when the host was
 * started. */
static inline void procroot_details(unsigned pid) {
  char name[64];
  snprintf(name, sizeof name, "%u/exe", pid);
  procroot_link(name, "/usr/bin/true");
  snprintf(name, sizeof name, "%u/cmdline", pid);
  procroot_write(name, "true\0--really\0", 14);
  snprintf(name, sizeof name, "%u/cgroup", pid);
  procroot_text(name, "0::/system.slice/true.service\n");
  snprintf(name, sizeof name, "%u/status", pid);
  procroot_text(name, "Name:\ttrue\nUid:\t0\t4294000000\t0\t0\n");
  procroot_text("stat", "cpu 1 2 3\nbtime 1700000000\n");
}

/* A line of net/tcp or net/udp, of IPv4: `local` and `remote` as the kernel
 * spells them on this host. */
static inline size_t procroot_line(char *text, size_t size, const char *local,
                                   const char *remote, const char *state,
                                   unsigned uid, uint64_t inode) {
  int n = snprintf(text, size,
                   "   0: %s %s %s 00000000:00000000 00:00000000 00000000 "
                   "%5u        0 %llu 2 0000000000000000 100 0 0 10 0\n",
                   local, remote, state, uid, (unsigned long long)inode);
  assert_true(n > 0 && (size_t)n < size);
  return (size_t)n;
}

#endif
