/* driver.c: a fuzzer that is written in Lua. tests/fuzz/TARGET.lua is given a
 * function that tells whether a text is JSON, and returns one of the input,
 * which raises an error where a claim fails. It runs from the root of the tree,
 * whose Lua files it loads.
 *
 * The interpreter is not instrumented: the steps from one line of Lua to the
 * next are counted here, so that the fuzzer learns which inputs reach more.
 */
#include "../fuzz.h"
#include "../json.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "bind/module.h"

static lua_State *state;

/* ---- What was reached ---------------------------------------------------- */

enum { COUNTERS = 1 << 16 };

// libFuzzer takes what stands in this section for edges of the program
__attribute__((
    section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static void count_line(lua_State *L, lua_Debug *ar) {
  static unsigned before;
  (void)L;
  unsigned here = (unsigned)ar->currentline * 2654435761u >> 16;
  counters[(before >> 1 ^ here) % COUNTERS]++;
  before = here;
}

/* What an input leaves behind is Lua's to collect, later; nor may the search
 * for leaks go through its heap after each. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "detect_leaks=0";
}

/* ---- The target ---------------------------------------------------------- */

static void give_up(const char *message) {
  fprintf(stderr, "%s\n", message);
  abort();
}

static int explain(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* is_json(text) -> boolean */
static int tell_json(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_pushboolean(L, is_json(text, length, 16));
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  static const char path[] = "package.path = 'lua/?.lua;lua/?/init.lua'";
  state = luaL_newstate();
  must(state != NULL);
  luaL_openlibs(state);
  luaL_requiref(state, "portinfo.core", luaopen_portinfo_core, 0);
  lua_settop(state, 0);
  lua_pushcfunction(state, explain);
  bool set = luaL_dostring(state, path) == LUA_OK;
  if (!set || luaL_loadfile(state, "tests/fuzz/" PI_TARGET ".lua") != LUA_OK) {
    give_up(lua_tostring(state, -1));
  }
  lua_pushcfunction(state, tell_json);
  if (lua_pcall(state, 1, 1, 1) != LUA_OK) give_up(lua_tostring(state, -1));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // what limits the time of others' code takes the hook away
  lua_sethook(state, count_line, LUA_MASKLINE, 0);
  lua_pushvalue(state, 2);
  lua_pushlstring(state, (const char *)data, size);
  if (lua_pcall(state, 1, 0, 1) != LUA_OK) give_up(lua_tostring(state, -1));
  return 0;
}
