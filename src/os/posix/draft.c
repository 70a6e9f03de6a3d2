/* draft.c: files that are written whole or not at all. A draft stands in the
 * folder of the file that it will replace; until it is on the disk that file
 * stays as it was. Where the file system can, a draft has no name before then,
 * so that whatever ends us leaves nothing behind.
 *
 * POSIX is all that it takes, so it serves every kernel that the binary runs
 * on.
 */
#include "../../core/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef O_PATH  // which asks for less than reading to go through a folder
#define O_PATH O_RDONLY
#endif

struct pi_draft {
  int fd;         /* what is written to */
  int folder;     /* -1: there is no draft, it is written in place */
  bool there;     /* there was a file before: */
  struct stat st; /* what it was like */
  bool made;      /* by us, behind a link that led nowhere */
  bool named;     /* the draft has its name */
  char name[NAME_MAX + 1];
  char draft[32];
};

static int refuse(int os, pi_error *err) {
  return pi__fail(err, PI_EOS, os, "%s", strerror(os));
}

/* ---- What is there ------------------------------------------------------ */

/* A link that somebody else put there may lead anywhere; the kernel sees to
 * that in a folder for all, and only where it is set up to. */
static bool is_foreign_link(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
         st.st_uid != geteuid() && st.st_uid != 0;
}

/* Opens the file as whoever writes in place does, and with O_CREAT: then the
 * kernel has its word on permission, and on links and files that others left in
 * a folder for all (protected_symlinks and its like, proc_sys_fs(5)). *fd is -1
 * if there is none. */
static int open_old(pi_draft *d, const char *path, bool plain, int *fd) {
  struct stat st;
  *fd = -1;
  if (is_foreign_link(path)) return ELOOP;
  if (stat(path, &st) != 0) {
    if (errno != ENOENT) return errno;
    if (lstat(path, &st) != 0) return errno == ENOENT ? 0 : errno;
    d->made = true;
  }
  int flags = O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC;
  *fd = open(path, plain ? flags | O_NONBLOCK : flags, 0666);
  if (*fd < 0) return errno;
  d->there = true;
  return fstat(*fd, &d->st) != 0 ? errno : 0;
}

/* Where the open file stands, behind all links; false if it has lost its name,
 * or another one has that by now. */
static bool find_name(const pi_draft *d, const char *path,
                      char target[PATH_MAX]) {
  struct stat st;
  return realpath(path, target) != NULL && lstat(target, &st) == 0 &&
         st.st_dev == d->st.st_dev && st.st_ino == d->st.st_ino;
}

/* ---- The draft ---------------------------------------------------------- */

/* Opens the folder of a path, and takes the name in it. */
static int enter_folder(pi_draft *d, const char *path) {
  char folder[PATH_MAX] = ".";
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  size_t length = (size_t)(name - path);  // with the slash
  if (length >= sizeof folder) return ENAMETOOLONG;
  if (strlen(name) >= sizeof d->name) return ENAMETOOLONG;
  if (*name == '\0') return ENOENT;
  if (length > 0) snprintf(folder, sizeof folder, "%.*s", (int)length, path);
  strcpy(d->name, name);
  d->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return d->folder < 0 ? errno : 0;
}

/* Whether a file without a name can be given one: by its link in procfs. */
static bool can_be_named(int fd, char link[32]) {
  snprintf(link, 32, "/proc/self/fd/%d", fd);
  return access(link, F_OK) == 0;
}

static bool make_unnamed(pi_draft *d) {
#ifdef O_TMPFILE
  char link[32];
  d->fd = openat(d->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (d->fd >= 0 && can_be_named(d->fd, link)) return true;
  if (d->fd >= 0) close(d->fd);
  d->fd = -1;
#endif
  return false;
}

/* For us alone, until it has the mode of what it replaces. */
static int make_draft(pi_draft *d) {
  unsigned long long number;
  if (getentropy(&number, sizeof number) != 0) return errno;
  snprintf(d->draft, sizeof d->draft, ".portinfo-%016llx", number);
  if (make_unnamed(d)) return 0;
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  d->fd = openat(d->folder, d->draft, flags, 0600);
  d->named = d->fd >= 0;
  return d->named ? 0 : errno;
}

/* A pipe or a device is written as it comes, and so is a file that has no name
 * any more. */
static int begin(pi_draft *d, const char *path, bool plain) {
  char target[PATH_MAX];
  int old, os = open_old(d, path, plain, &old);
  bool is_file = old < 0 || S_ISREG(d->st.st_mode);
  bool replaced = is_file && (old < 0 || find_name(d, path, target));
  if (os == 0 && plain && !is_file) os = EINVAL;
  if (os == 0 && !replaced) {
    d->fd = old;
    return is_file && ftruncate(old, 0) != 0 ? errno : 0;
  }
  if (os == 0) os = enter_folder(d, old < 0 ? path : target);
  if (os == 0) os = make_draft(d);
  if (old >= 0) close(old);
  return os;
}

int pi_draft_open(const char *path, bool plain, pi_draft **ret, pi_error *err) {
  pi_draft *d = pi__realloc(NULL, sizeof *d);
  if (d == NULL) return pi__nomem(err);
  memset(d, 0, sizeof *d);
  d->fd = d->folder = -1;
  int os = begin(d, path, plain);
  if (os == 0) {
    *ret = d;
    return 0;
  }
  pi_draft_free(d);
  if (os == EINVAL) return pi__fail(err, PI_EOS, os, "not a plain file");
  return refuse(os, err);
}

void pi_draft_free(pi_draft *d) {
  if (d == NULL) return;
  if (d->fd >= 0) close(d->fd);
  if (d->named) unlinkat(d->folder, d->draft, 0);
  if (d->made && d->folder >= 0) unlinkat(d->folder, d->name, 0);
  if (d->folder >= 0) close(d->folder);
  pi__realloc(d, 0);
}

int pi_draft_write(void *draft, const char *bytes, size_t length) {
  const pi_draft *d = draft;
  while (length > 0) {
    ssize_t n = write(d->fd, bytes, length);
    // a signal ends the wait for whoever reads a pipe, but no writing to a disk
    bool again = n < 0 && errno == EINTR && d->folder >= 0;
    if (again) continue;
    if (n < 0) return errno;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

/* ---- Into its place ----------------------------------------------------- */

/* What open(2) would give a new file. That it can only be asked for by setting
 * it may meet another thread, whose files are then closed to others. */
static mode_t new_mode(void) {
  mode_t mask = umask(0077);
  umask(mask);
  return 0666 & ~mask;
}

/* Owner, group and mode as they were, where that is permitted. Like any other
 * writing it takes set-id bits away. */
static int inherit(const pi_draft *d) {
  if (!d->there) return fchmod(d->fd, new_mode()) != 0 ? errno : 0;
  bool same = fchown(d->fd, d->st.st_uid, d->st.st_gid) == 0 ||
              fchown(d->fd, (uid_t)-1, d->st.st_gid) == 0;
  // a group of the writer's was given nothing
  mode_t mode = d->st.st_mode & (same ? 0777 : 0707);
  return fchmod(d->fd, mode) != 0 ? errno : 0;
}

static int give_name(pi_draft *d) {
  char link[32];
  if (d->named) return 0;
  if (!can_be_named(d->fd, link)) return ENOENT;
  d->named =
      linkat(AT_FDCWD, link, d->folder, d->draft, AT_SYMLINK_FOLLOW) == 0;
  return d->named ? 0 : errno;
}

static int take_place(pi_draft *d) {
  if (renameat(d->folder, d->draft, d->folder, d->name) != 0) return errno;
  d->named = d->made = false;
  return 0;
}

/* Writes the new name to the disk as well. Who may not read the folder cannot
 * ask for that, and some file systems have nothing to be asked for. */
static int keep_name(const pi_draft *d) {
  int fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return 0;
  int os = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
  close(fd);
  return os;
}

int pi_draft_commit(pi_draft *d, pi_error *err) {
  int os = 0;
  if (d->folder < 0) {
    if (close(d->fd) != 0) os = errno;
    d->fd = -1;
    return os != 0 ? refuse(os, err) : 0;
  }
  os = inherit(d);
  if (os == 0 && fsync(d->fd) != 0) os = errno;
  if (os == 0) os = give_name(d);
  if (os == 0) os = take_place(d);
  if (os == 0) os = keep_name(d);
  return os != 0 ? refuse(os, err) : 0;
}
