/* files.c: the files of whoever sits there: the history of the prompt, and what
 * is run before it. */
#include "terminal.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>

#if defined(PI_READLINE)
#include <readline/history.h>
#include <readline/readline.h>
#define PI_HISTORY
#elif defined(PI_LIBEDIT)
#include <editline/readline.h>
#define PI_HISTORY
#endif

enum { MOST_HISTORY = 2000 };

#ifdef PI_LIBEDIT
enum { NEWEST = 0 };  // its append_history(n) writes one entry more than n
#else
enum { NEWEST = 1 };
#endif

/* ---- History ------------------------------------------------------------ */

#ifdef PI_HISTORY

static int l_remember(lua_State *L) {
  add_history(luaL_checkstring(L, 1));
  return 0;
}

/* Makes the folders of a path, ours alone. */
static int make_folders(const char *path) {
  char folder[4096];
  if (strlen(path) >= sizeof folder) return ENAMETOOLONG;
  strcpy(folder, path);
  for (char *slash = strchr(folder + 1, '/'); slash != NULL;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return errno;
    *slash = '/';
  }
  return 0;
}

/* A history file is a plain file of ours, or none yet (NULL), by no other name
 * and where nobody else can put one: nobody can make us read or overwrite
 * something else. */
static const char *why_not(const char *path) {
  struct stat st;
  const char *why = trust_why_not_path(path);
  if (why != NULL) return why;
  if (lstat(path, &st) != 0) return errno == ENOENT ? NULL : strerror(errno);
  bool ours = S_ISREG(st.st_mode) && st.st_uid == geteuid();
  if (!ours) return "not a file of ours";
  return st.st_nlink == 1 ? NULL : "it has another name";
}

static int refuse(lua_State *L, const char *path, const char *why) {
  luaL_pushfail(L);
  lua_pushfstring(L, "history is not kept: %s: %s", path, why);
  return 2;
}

static int l_load_history(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  using_history();
#ifdef PI_READLINE
  // a time stamp before each entry keeps the lines of a chunk together
  history_comment_char = '#';
  history_write_timestamps = 1;
#endif
  const char *why = why_not(path);
  if (why != NULL) return refuse(L, path, why);
  int rc = read_history(path);
  if (rc != 0 && rc != ENOENT) return refuse(L, path, strerror(rc));
  bool full = history_length > MOST_HISTORY;
  stifle_history(MOST_HISTORY);
  rc = full ? write_history(path) : 0;
  if (rc != 0) return refuse(L, path, strerror(rc));
  lua_pushboolean(L, 1);
  return 1;
}

/* Makes the file, for us alone, if there is none. */
static int make_file(const char *path) {
  int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int fd = open(path, flags, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

/* Other sessions write to the file too: what is there stays. */
static int l_append_history(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const char *why = why_not(path);
  if (why != NULL) return refuse(L, path, why);
  int rc = make_folders(path);
  if (rc == 0) rc = make_file(path);
  if (rc == 0) rc = append_history(NEWEST, path);
  if (rc != 0) return refuse(L, path, strerror(rc));
  lua_pushboolean(L, 1);
  return 1;
}

#else

static int l_remember(lua_State *L) {
  luaL_checkstring(L, 1);
  return 0;
}

static int l_load_history(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static int l_append_history(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

#endif

/* ---- What is run before the prompt --------------------------------------- */

/* Why somebody else may have written the open file of this name, or NULL. */
static const char *why_not_own(const char *path, int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return strerror(errno);
  const char *why = trust_why_not_file(&st);
  return why != NULL ? why : trust_why_not_path(path);
}

static int close_file(lua_State *L) {
  luaL_Stream *file = lua_touserdata(L, 1);
  int rc = fclose(file->f);
  return luaL_fileresult(L, rc == 0, NULL);
}

/* Reads what is left of an open file of Lua's. */
static int read_all(lua_State *L, FILE *file) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  size_t n;
  do {
    n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file);
    luaL_addsize(&b, n);
  } while (n == LUAL_BUFFERSIZE);
  luaL_pushresult(&b);
  return ferror(file) ? luaL_fileresult(L, 0, NULL) : 1;
}

/* A link is followed, as folders of such files are made of them: what counts is
 * who can change the file that is read. */
static int l_read_own(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 0);
  file->closef = NULL;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  // not a device or a pipe that would keep us waiting
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  const char *why = fd < 0 ? strerror(errno) : why_not_own(path, fd);
  if (why == NULL) {
    file->f = fdopen(fd, "rb");
    if (file->f != NULL) {
      file->closef = close_file;
      return read_all(L, file->f);
    }
    why = strerror(errno);
  }
  if (fd >= 0) close(fd);
  luaL_pushfail(L);
  lua_pushstring(L, why);
  return 2;
}

/* is_special(path) -> is it there, and neither a file nor a folder? */
static int l_is_special(lua_State *L) {
  struct stat st;
  bool there = stat(luaL_checkstring(L, 1), &st) == 0;
  lua_pushboolean(L, there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
  return 1;
}

/* ---- What binds keys ------------------------------------------------------
 */

#ifdef PI_LIBEDIT
#define KEYS_VARIABLE "EDITRC"
#define KEYS_FILE     ".editrc"
#else
#define KEYS_VARIABLE "INPUTRC"
#define KEYS_FILE     ".inputrc"
#endif

/* guard_keys() -> nothing; or the path of the editor's own file, and why it
 * will not be read: a key of somebody else can type Lua, and Enter. */
static int l_guard_keys(lua_State *L) {
  const char *path = getenv(KEYS_VARIABLE), *home = getenv("HOME");
  if (path == NULL && home == NULL) return 0;
  if (path == NULL) path = lua_pushfstring(L, "%s/" KEYS_FILE, home);
  const char *why =
      *path == '/' ? trust_why_not_path(path) : "its path is relative";
  if (why == NULL) return 0;
  lua_pushstring(L, path);
  lua_pushstring(L, why);
  setenv(KEYS_VARIABLE, "/dev/null", 1);
  return 2;
}

void terminal_add_files(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"is_special", l_is_special},
      {"guard_keys", l_guard_keys},
      {"read_own", l_read_own},
      {"remember", l_remember},
      {"load_history", l_load_history},
      {"append_history", l_append_history},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
