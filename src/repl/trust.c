/* trust.c: who can have put a file where it is. A file of ours proves nothing
 * in a folder of somebody else, who may have put a link there to any other. */
#include "trust.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *trust_why_not_file(const struct stat *st) {
  if (!S_ISREG(st->st_mode)) return "not a plain file";
  if (st->st_uid != geteuid() && st->st_uid != 0)
    return "owned by another user";
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write to it";
  return NULL;
}

/* Can others put something else in its place, or into it? The group that we
 * are in by ourselves is not others: many systems give everybody their own. */
static const char *why_not_step(const struct stat *st) {
  if (st->st_uid != geteuid() && st->st_uid != 0) {
    return "a part of its path is owned by another user";
  }
  bool folder = S_ISDIR(st->st_mode);
  if (!folder && !S_ISREG(st->st_mode)) return NULL;
  if (folder && (st->st_mode & S_ISVTX) != 0) return NULL;
  bool open = (st->st_mode & S_IWOTH) != 0 ||
              ((st->st_mode & S_IWGRP) != 0 && st->st_gid != getegid());
  return open ? "others may write to a part of its path" : NULL;
}

static const char *why_not_name(const char *name) {
  struct stat st;
  if (lstat(name, &st) == 0) return why_not_step(&st);
  return errno == ENOENT ? NULL : strerror(errno);
}

/* Each folder and link that the path names, and what it leads to. */
static const char *why_not_steps(const char *path) {
  char step[PATH_MAX];
  const char *why = NULL;
  if (strlen(path) >= sizeof step) return strerror(ENAMETOOLONG);
  strcpy(step, path);
  for (char *slash = strchr(step + 1, '/'); slash != NULL && why == NULL;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    why = why_not_name(step);
    *slash = '/';
  }
  return why != NULL ? why : why_not_name(path);
}

const char *trust_why_not_path(const char *path) {
  char real[PATH_MAX];
  const char *why = why_not_steps(path);
  if (why != NULL || realpath(path, real) == NULL) return why;
  return why_not_steps(real);
}
