/* replace.c: writes a file whole or not at all: what was there stays until the
 * new one is on the disk. */
#include "terminal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>

/* What the new file is to be like. */
typedef struct like {
  mode_t mode;
  uid_t uid;
  gid_t gid;
  bool there;
} like;

/* The file itself, behind links, in `target`, and what it is like; or an errno.
 * A device or a pipe is no file to be replaced. */
static int look(const char *path, char target[PATH_MAX], like *l) {
  struct stat st;
  l->there = realpath(path, target) != NULL;
  if (!l->there) {
    if (errno != ENOENT) return errno;
    if (strlen(path) >= PATH_MAX) return ENAMETOOLONG;
    strcpy(target, path);
    mode_t mask = umask(0);
    umask(mask);
    l->mode = 0666 & ~mask;
    return 0;
  }
  if (stat(target, &st) != 0) return errno;
  if (S_ISDIR(st.st_mode)) return EISDIR;
  if (!S_ISREG(st.st_mode)) return EINVAL;
  l->mode = st.st_mode & 07777;
  l->uid = st.st_uid;
  l->gid = st.st_gid;
  return 0;
}

int terminal_write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0 && errno != EINTR) return errno;
    if (n < 0) continue;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

/* Fills the draft and puts it into the place of the target; or an errno. */
static int finish(int fd, const char *draft, const char *target, const like *l,
                  const char *text, size_t length) {
  int rc = terminal_write_all(fd, text, length);
  // whose it was it stays, where that is permitted; else it is the writer's
  if (rc == 0 && l->there && fchown(fd, l->uid, l->gid) != 0) errno = 0;
  if (rc == 0 && fchmod(fd, l->mode) != 0) rc = errno;
  if (rc == 0 && fsync(fd) != 0) rc = errno;
  if (close(fd) != 0 && rc == 0) rc = errno;
  if (rc == 0 && rename(draft, target) != 0) rc = errno;
  return rc;
}

static int replace(const char *path, const char *text, size_t length) {
  static const char suffix[] = ".XXXXXX";
  char target[PATH_MAX], draft[PATH_MAX + sizeof suffix];
  like l = {0};
  int rc = look(path, target, &l);
  if (rc != 0) return rc;
  snprintf(draft, sizeof draft, "%s%s", target, suffix);
  int fd = mkstemp(draft);
  if (fd < 0) return errno;
  rc = finish(fd, draft, target, &l, text, length);
  if (rc != 0) unlink(draft);
  return rc;
}

/* replace(path, text) -> true; or nil, message, errno, and nothing has changed.
 */
static int l_replace(lua_State *L) {
  size_t length;
  const char *path = luaL_checkstring(L, 1);
  const char *text = luaL_checklstring(L, 2, &length);
  int rc = replace(path, text, length);
  if (rc == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  errno = rc;
  luaL_fileresult(L, 0, path);
  if (rc == EINVAL) {
    lua_pushfstring(L, "%s: not a plain file", path);
    lua_replace(L, -3);
  }
  return 3;
}

/* is_special(path) -> is it there, and neither a file nor a folder? */
static int l_is_special(lua_State *L) {
  struct stat st;
  bool there = stat(luaL_checkstring(L, 1), &st) == 0;
  lua_pushboolean(L, there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
  return 1;
}

void terminal_add_replace(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"replace", l_replace},
      {"is_special", l_is_special},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
