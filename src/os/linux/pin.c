/* pin.c: the iterator as a file. Its folder is the root of a BPF file system of
 * its own, as the usual one is closed to everybody but root where systemd
 * mounts it. Whoever may search that folder and read the file gets the records.
 *
 * Only root can make either, so what is not root's, or open to the writing of
 * others, or on another file system, is not taken for a probe.
 */
#include "pin.h"
#include "bpf/loader.h"
#include "bpf/record.h"
#include "groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAME "taskfile"
/* Begins what it is called until it has its mode, before the pid of who
 * installs it; a dot in a name is forbidden there. */
#define NEW  NAME "-"

enum { ALONE = 0400, SHARED = 0440 };  // the file; its folder may be searched

/* ---- Looking ------------------------------------------------------------ */

static int foreign(const char *folder, const char *what, pi_error *err) {
  return pi__fail(err, PI_EINVAL, 0, "%.96s is not the probe's: %s", folder,
                  what);
}

static bool is_roots(const struct stat *st) {
  return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* A handle of the folder, which has to be root's, on whatever file system;
 * *bpf: it is one for pins. Searching it may still be denied. */
static int open_folder(const char *folder, int *ret, bool *bpf, pi_error *err) {
  struct stat st;
  struct statfs fs;
  int fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOTDIR) {
    return foreign(folder, "a file or a link is there", err);
  }
  if (fd < 0) {
    return pi__fail(err, PI_EOS, errno, "%.96s: %s", folder, strerror(errno));
  }
  int rc = 0;
  if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0) {
    rc = pi__fail(err, PI_EOS, errno, "%.96s: %s", folder, strerror(errno));
  } else if (!is_roots(&st)) {
    rc = foreign(folder, "others than root may write to it", err);
  } else {
    *bpf = (unsigned long)fs.f_type == BPF_FS_MAGIC;
  }
  if (rc != 0)
    close(fd);
  else
    *ret = fd;
  return rc;
}

/* The same where it has to be a file system of pins. */
static int open_pins(const char *folder, int *ret, pi_error *err) {
  bool bpf;
  int dir, rc = open_folder(folder, &dir, &bpf, err);
  if (rc != 0) return rc;
  if (!bpf) {
    close(dir);
    return foreign(folder, "it is no BPF file system", err);
  }
  *ret = dir;
  return 0;
}

static int open_file(const char *folder, int dir, int *ret, pi_error *err) {
  struct stat st;
  int fd = openat(dir, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == EACCES) {
    return pi__fail(err, PI_EOS, EACCES,
                    "the pinned probe at %.96s is not for us to read", folder);
  }
  if (fd < 0) {
    return pi__fail(err, PI_EOS, errno, "%.96s/" NAME ": %s", folder,
                    strerror(errno));
  }
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_roots(&st)) {
    close(fd);
    return foreign(folder, "its file was not made by root alone", err);
  }
  *ret = fd;
  return 0;
}

int pi__pin_open(const char *folder, int *fd, pi_error *err) {
  int dir, rc = open_pins(folder, &dir, err);
  if (rc != 0) return rc;
  rc = open_file(folder, dir, fd, err);
  close(dir);
  return rc;
}

bool pi__pin_readable(const char *folder) {
  int dir;
  if (open_pins(folder, &dir, NULL) != 0) return false;
  bool may = faccessat(dir, NAME, R_OK, AT_EACCESS) == 0;
  close(dir);
  return may;
}

/* ---- Status ------------------------------------------------------------- */

/* The version that its first record tells; 0: none could be read. */
static unsigned read_version(int fd) {
  pi__record r;
  // one of our own, lest there be no socket at all to tell of
  int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (own < 0) own = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ssize_t n = read(fd, &r, sizeof r);
  if (own >= 0) close(own);
  return n >= (ssize_t)sizeof r.version ? r.version : 0;
}

/* The folder tells who may read, to those as well who may not look inside: it
 * is opened to a group when the file is in its place (place()). */
static int look_around(const char *folder, int dir, pi_pin *ret,
                       pi_error *err) {
  struct stat st;
  if (fstat(dir, &st) != 0) {
    return pi__fail(err, PI_EOS, errno, "%.96s: %s", folder, strerror(errno));
  }
  ret->shared = st.st_mode & S_IXGRP;
  ret->closed = !ret->shared && faccessat(dir, ".", X_OK, AT_EACCESS) != 0;
  ret->gid = st.st_gid;
  pi__group_name(st.st_gid, ret->group, sizeof ret->group);
  return 0;
}

static int look_inside(const char *folder, int dir, pi_pin *ret,
                       pi_error *err) {
  pi_error trouble = {0};
  int fd, rc = look_around(folder, dir, ret, err);
  if (rc != 0 || ret->closed) return rc;
  rc = open_file(folder, dir, &fd, &trouble);
  if (rc != 0 && trouble.os == ENOENT) return 0;
  if (rc != 0 && trouble.os != EACCES) {
    return pi__fail(err, rc, trouble.os, "%s", trouble.text);
  }
  ret->installed = true;
  ret->readable = rc == 0;
  if (rc == 0) {
    ret->version = read_version(fd);
    close(fd);
  }
  return 0;
}

int pi__pin_status(const char *folder, pi_pin *ret, pi_error *err) {
  pi_pin pin = {.built_in = pi__bpf_built_in(), .ours = PI__RECORD_VERSION};
  pi_error trouble = {0};
  int dir, rc = open_pins(folder, &dir, &trouble);
  if (rc != 0 && trouble.os != ENOENT) {
    return pi__fail(err, rc, trouble.os, "%s", trouble.text);
  }
  if (rc == 0) {
    rc = look_inside(folder, dir, &pin, err);
    close(dir);
    if (rc != 0) return rc;
  }
  *ret = pin;
  return 0;
}

/* ---- Installing --------------------------------------------------------- */

static int need_root(const char *what, pi_error *err) {
  if (geteuid() == 0) return 0;
  return pi__fail(err, PI_EOS, EPERM, "only root can %s the probe", what);
}

static DIR *list(int dir) {
  int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *ret = fd < 0 ? NULL : fdopendir(fd);
  if (ret == NULL && fd >= 0) close(fd);
  return ret;
}

/* Is it a folder with nothing in it and nothing mounted on it? */
static bool is_vacant(int dir) {
  struct stat here, above;
  if (fstat(dir, &here) != 0 || fstatat(dir, "..", &above, 0) != 0) {
    return false;
  }
  if (here.st_dev != above.st_dev) return false;
  DIR *entries = list(dir);
  if (entries == NULL) return false;
  size_t count = 0;
  while (readdir(entries) != NULL) count++;
  closedir(entries);
  return count <= 2;  // . and ..
}

/* What an installation that fails has to take back. */
typedef struct ground {
  bool made, mounted;
} ground;

static int mount_on(const char *folder, ground *g, pi_error *err) {
  if (mount("portinfo", folder, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0700") != 0) {
    return pi__fail(err, PI_EOS, errno, "cannot mount a BPF file system: %s",
                    strerror(errno));
  }
  g->mounted = true;
  return 0;
}

/* Waits until nobody else is about to mount there: the lock is on the folder
 * below, which a mount hides from whoever comes later. */
static int lock(const char *folder, int dir, int *ret, pi_error *err) {
  int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
    *ret = fd;
    return 0;
  }
  int os = errno;
  if (fd >= 0) close(fd);
  return pi__fail(err, PI_EOS, os, "cannot lock %.96s: %s", folder,
                  strerror(os));
}

/* Mounts the file system, unless it is there by now. */
static int settle(const char *folder, ground *g, pi_error *err) {
  bool bpf;
  int dir, rc = open_folder(folder, &dir, &bpf, err);
  if (rc != 0) return rc;
  bool vacant = !bpf && is_vacant(dir);
  close(dir);
  if (bpf) return 0;
  if (!vacant) return foreign(folder, "it holds something else", err);
  return mount_on(folder, g, err);
}

/* Makes the folder and mounts the file system, unless they are there. */
static int make_folder(const char *folder, ground *g, pi_error *err) {
  bool bpf;
  int dir, below = -1;
  g->made = mkdir(folder, 0700) == 0;
  if (!g->made && errno != EEXIST) {
    return pi__fail(err, PI_EOS, errno, "%.96s: %s", folder, strerror(errno));
  }
  int rc = open_folder(folder, &dir, &bpf, err);
  if (rc != 0) return rc;
  if (!bpf) rc = lock(folder, dir, &below, err);
  close(dir);
  if (bpf || rc != 0) return rc;
  rc = settle(folder, g, err);
  close(below);
  return rc;
}

static void take_back(const char *folder, const ground *g) {
  if (g->mounted) umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
  if (g->made) rmdir(folder);
}

/* Puts the file into place when it can be read by whom it is for, and then lets
 * them in. */
static int place(int dir, const char *name, const char *group, gid_t gid,
                 pi_error *err) {
  mode_t mode = group != NULL ? SHARED : ALONE;
  mode_t folder_mode = group != NULL ? 0750 : 0700;
  if (fchownat(dir, name, 0, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
      fchmodat(dir, name, mode, 0) == 0 &&
      renameat(dir, name, dir, NAME) == 0 &&
      fchownat(dir, ".", 0, gid, 0) == 0 &&
      fchmodat(dir, ".", folder_mode, 0) == 0) {
    return 0;
  }
  return pi__fail(err, PI_EOS, errno, "cannot put the probe in its place: %s",
                  strerror(errno));
}

/* Of several at a time, the last one to get there is the probe. */
static int pin(const char *folder, const char *group, gid_t gid,
               pi_error *err) {
  char name[32], path[128];
  int dir, rc = open_pins(folder, &dir, err);
  if (rc != 0) return rc;
  snprintf(name, sizeof name, NEW "%ld", (long)getpid());
  int n = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (n < 0 || (size_t)n >= sizeof path) {
    rc = pi__fail(err, PI_EINVAL, 0, "the name of the folder is too long");
  }
  unlinkat(dir, name, 0);  // of an attempt that was cut short
  if (rc == 0) rc = pi__bpf_pin(path, err);
  if (rc == 0) rc = place(dir, name, group, gid, err);
  unlinkat(dir, name, 0);
  close(dir);
  return rc;
}

int pi__pin_install(const char *folder, const char *group, pi_error *err) {
  gid_t gid = 0;
  ground g = {0};
  int rc = need_root("install", err);
  if (rc == 0 && group != NULL) rc = pi__group_find(group, &gid, err);
  if (rc == 0) rc = make_folder(folder, &g, err);
  if (rc == 0) rc = pin(folder, group, gid, err);
  if (rc != 0) take_back(folder, &g);
  return rc;
}

/* ---- Removing ----------------------------------------------------------- */

/* Of ours, of an attempt of ours that was cut short, or in each BPF file system
 * from the kernel (bpf_fill_super()). */
static bool may_go(const char *name) {
  static const char *const known[] = {".", "..", NAME, "maps.debug",
                                      "progs.debug"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(name, known[i]) == 0) return true;
  }
  return strncmp(name, NEW, strlen(NEW)) == 0;
}

/* What others pinned ends when its file system does. */
static int spare_others(const char *folder, int dir, pi_error *err) {
  const struct dirent *entry;
  int rc = 0;
  DIR *entries = list(dir);
  if (entries == NULL) {
    return pi__fail(err, PI_EOS, errno, "%.96s: %s", folder, strerror(errno));
  }
  while (rc == 0 && (entry = readdir(entries)) != NULL) {
    if (may_go(entry->d_name)) continue;
    rc = pi__fail(err, PI_EINVAL, 0,
                  "the probe is removed, but %.48s stays mounted: %.64s is "
                  "pinned there, too",
                  folder, entry->d_name);
  }
  closedir(entries);
  return rc;
}

/* Ends the uppermost file system there; *removed: the probe was in it. */
static int unmount(const char *folder, int dir, bool *removed, pi_error *err) {
  if (unlinkat(dir, NAME, 0) == 0) *removed = true;
  int rc = spare_others(folder, dir, err);
  if (rc != 0) return rc;
  // whoever is reading right now reads to the end
  if (umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return 0;
  return pi__fail(err, PI_EOS, errno, "cannot unmount %.96s: %s", folder,
                  strerror(errno));
}

/* One may be mounted on the other. */
static int unmount_all(const char *folder, bool *removed, pi_error *err) {
  bool bpf = true;
  int rc = 0;
  while (rc == 0 && bpf) {
    int dir;
    rc = open_folder(folder, &dir, &bpf, err);
    if (rc != 0) return rc;
    if (bpf) rc = unmount(folder, dir, removed, err);
    close(dir);
  }
  return rc;
}

int pi__pin_remove(const char *folder, bool *removed, pi_error *err) {
  pi_error trouble = {0};
  int dir, rc = need_root("remove", err);
  if (rc != 0) return rc;
  *removed = false;
  rc = open_pins(folder, &dir, &trouble);
  if (rc != 0 && trouble.os == ENOENT) return 0;
  if (rc != 0) return pi__fail(err, rc, trouble.os, "%s", trouble.text);
  close(dir);
  rc = unmount_all(folder, removed, err);
  if (rc != 0 || rmdir(folder) == 0) return rc;
  return pi__fail(err, PI_EOS, errno,
                  "the probe is removed, but %.96s is left: %s", folder,
                  strerror(errno));
}
