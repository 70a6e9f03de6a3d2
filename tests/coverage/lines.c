/* lines.c: which lines of our Lua files run, in a build that counts. It is
 * linked with --wrap for the functions below, so that it sees line events
 * beside the hook that the program itself wants. Each file has a page of the
 * folder PI_LINES, where a byte stands for a line: what ran before a process is
 * killed counts, too, and whoever runs at the same time writes the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>

enum { MOST_LINES = 4096, MOST_FILES = 256 };

void __real_lua_sethook(lua_State *L, lua_Hook hook, int mask, int count);
int __real_lua_gethookmask(lua_State *L);
void __real_luaL_checkversion_(lua_State *L, lua_Number version, size_t size);

static struct {
  char name[64];
  char *lines; /* NULL: it cannot be counted */
} files[MOST_FILES];

static lua_Hook wanted; /* what the program believes to be the hook */

/* The folder is open to all: tests run as other users, too. */
static char *map_lines(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, PI_LINES "/%s", name);
  for (char *c = path + sizeof PI_LINES; *c != '\0'; c++) {
    if (*c == '/') *c = '+';
  }
  mode_t mask = umask(0);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  umask(mask);
  if (fd < 0) return NULL;
  void *lines = MAP_FAILED;
  if (ftruncate(fd, MOST_LINES) == 0) {
    lines = mmap(NULL, MOST_LINES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  close(fd);
  return lines == MAP_FAILED ? NULL : lines;
}

/* The lines of a file, which is ours by its name: =portinfo/x.lua where it is
 * embedded, @lua/portinfo/x.lua where it is read. */
static char *lines_of(const char *source) {
  const char *name = strstr(source, "portinfo/");
  size_t length = name == NULL ? 0 : strlen(name);
  if (length < 4 || length >= sizeof files->name) return NULL;
  if (strcmp(name + length - 4, ".lua") != 0) return NULL;
  if (source[0] != '=' && strncmp(source, "@lua/", 5) != 0) return NULL;
  for (int i = 0; i < MOST_FILES; i++) {
    if (files[i].name[0] == '\0') {
      strcpy(files[i].name, name);
      files[i].lines = map_lines(name);
    }
    if (strcmp(files[i].name, name) == 0) return files[i].lines;
  }
  return NULL;
}

static void on_event(lua_State *L, lua_Debug *ar) {
  if (ar->event != LUA_HOOKLINE) {
    if (wanted != NULL) wanted(L, ar);
    return;
  }
  lua_getinfo(L, "S", ar);
  char *lines = lines_of(ar->source);
  if (lines != NULL && ar->currentline < MOST_LINES) lines[ar->currentline] = 1;
}

void __wrap_lua_sethook(lua_State *L, lua_Hook hook, int mask, int count) {
  wanted = mask == 0 ? NULL : hook;
  __real_lua_sethook(L, on_event, mask | LUA_MASKLINE, count);
}

lua_Hook __wrap_lua_gethook(lua_State *L) {
  (void)L;
  return wanted;
}

int __wrap_lua_gethookmask(lua_State *L) {
  return __real_lua_gethookmask(L) & ~LUA_MASKLINE;
}

/* What gcc's counters are written to, behind all else, is open to all as well.
 */
static void open_counts(void) {
  umask(0);
}

__attribute__((constructor)) static void begin(void) {
  atexit(open_counts);
}

/* What a module asks first: from here on its state is looked at. */
void __wrap_luaL_checkversion_(lua_State *L, lua_Number version, size_t size) {
  __real_luaL_checkversion_(L, version, size);
  if ((__real_lua_gethookmask(L) & LUA_MASKLINE) == 0) {
    __wrap_lua_sethook(L, NULL, 0, 0);
  }
}
