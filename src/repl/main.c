/* main.c: the binary: a Lua state with our files inside, and portinfo.cli. */
#include "embedded.h"
#include "process.h"
#include "terminal.h"
#include "../bind/module.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

enum { EXIT_ERROR = 2, EXIT_INTERRUPTED = 130 };

/* How many instructions pass between two looks at the interrupt flag. */
enum { HOOK_COUNT = 10000 };

/* Raises as long as the flag is set, and then at every instruction: whoever
 * catches the error, such as a loop around pcall, meets the next one at once.
 * Coroutines inherit the hook from the state that makes them. */
static void on_count(lua_State *L, lua_Debug *ar) {
  (void)ar;
  int count = terminal_interrupted() ? 1 : HOOK_COUNT;
  if (lua_gethookcount(L) != count) {
    lua_sethook(L, on_count, LUA_MASKCOUNT, count);
  }
  if (terminal_interrupted()) luaL_error(L, "interrupted");
}

/* Source text only: no byte code, which can crash the interpreter, and no
 * modules of the folder that we happen to be in. */
static const char prelude[] =
    "local load, loadfile, path = load, loadfile, {}\n"
    "function _G.load(chunk, name, _, ...)\n"
    "  return load(chunk, name, 't', ...)\n"
    "end\n"
    "function _G.loadfile(name, _, ...) return loadfile(name, 't', ...) end\n"
    "function _G.dofile(name)\n"
    "  local chunk, message = loadfile(name, 't')\n"
    "  if not chunk then error(message, 0) end\n"
    "  return chunk()\n"
    "end\n"
    "for _, kind in ipairs{'path', 'cpath'} do\n"
    "  local list = {}\n"
    "  for p in package[kind]:gmatch '[^;]+' do\n"
    "    if p:sub(1, 1) == '/' then list[#list + 1] = p end\n"
    "  end\n"
    "  package[kind] = table.concat(list, ';')\n"
    "end\n"
    "package.searchers[2] = function(name)\n"
    "  local file, missing = package.searchpath(name, package.path)\n"
    "  if not file then return missing end\n"
    "  local chunk, message = loadfile(file, 't')\n"
    "  if chunk then return chunk, file end\n"
    "  error((\"error loading module '%s' from file '%s':\\n\\t%s\")\n"
    "    :format(name, file, message), 0)\n"
    "end\n";

static int load_embedded(lua_State *L) {
  const struct embedded *e = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbuffer(L, e->chunk, e->length, e->name) != LUA_OK) {
    return lua_error(L);
  }
  lua_pushstring(L, e->module);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct embedded *e = embedded; e->module != NULL; e++) {
    lua_pushlightuserdata(L, (void *)e);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, e->module); /* preload[module] = load_embedded(e) */
  }
  lua_pushcfunction(L, luaopen_portinfo_core);
  lua_setfield(L, -2, "portinfo.core");
  lua_pushcfunction(L, luaopen_portinfo_terminal);
  lua_setfield(L, -2, "portinfo.terminal");
  lua_pop(L, 1);
}

/* main(argc, argv): everything that can raise, below one pcall. */
static int protected_main(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  // LUA_PATH and LUA_INIT of whoever called us are not our users' wish
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  luaL_openlibs(L);
  preload(L);
  pi_bind_interrupt(L, terminal_interrupted);
  if (luaL_loadbufferx(L, prelude, sizeof prelude - 1, "=prelude", "t") !=
      LUA_OK) {
    return lua_error(L);
  }
  lua_call(L, 0, 0);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "portinfo.cli");
  lua_call(L, 1, 1);
  luaL_checkstack(L, argc, "too many arguments");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i); /* as lua does: arg[0] is the program */
  }
  lua_call(L, 1, 1);
  return 1;
}

/* One line about what nobody caught. */
static int complain(lua_State *L) {
  if (terminal_interrupted()) return EXIT_INTERRUPTED;
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "portinfo: %s\n",
          message != NULL ? message : "unknown error");
  return EXIT_ERROR;
}

/* No line of ours may run without it. */
static void secure(void) {
  int os = process_drop_privileges();
  if (os == 0) os = process_fill_descriptors();
  if (os == 0) return;
  fprintf(stderr, "portinfo: cannot start safely: %s\n", strerror(os));
  _exit(EXIT_ERROR);
}

int main(int argc, char **argv) {
  secure();
  setlocale(LC_CTYPE, "");   // editing of UTF-8; numbers stay as they are
  signal(SIGPIPE, SIG_DFL);  // a closed pipe ends us quietly
  terminal_catch_interrupts();
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    fprintf(stderr, "portinfo: out of memory\n");
    return EXIT_ERROR;
  }
  lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_COUNT);
  lua_pushcfunction(L, protected_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int rc =
      lua_pcall(L, 2, 1, 0) == LUA_OK ? (int)lua_tointeger(L, -1) : complain(L);
  lua_close(L);
  // print does not look at what became of its bytes
  bool lost = fflush(stdout) != 0 || ferror(stdout);
  if (!lost || rc != 0) return rc;
  fprintf(stderr, "portinfo: cannot write all of the output\n");
  return EXIT_ERROR;
}
