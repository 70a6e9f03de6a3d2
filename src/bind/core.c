/* core.c: opens the module portinfo.core. */
#include "bind.h"

#include <time.h>

/* clock() -> seconds, to measure with */
static int read_clock(lua_State *L) {
  struct timespec t;
  if (timespec_get(&t, TIME_UTC) == 0) return luaL_error(L, "no clock");
  lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
  return 1;
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_portinfo_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  pi__set_text(L, "version", pi_version());
  pi__set_text(L, "registry_date", pi_registry_date());
  lua_pushcfunction(L, read_clock);
  lua_setfield(L, -2, "clock");
  pi__open_facts(L);
  pi__open_predicate(L);
  pi__open_plan(L);
  pi__open_snapshot(L);
  pi__open_selection(L);
  pi__open_bulk(L);
  pi__open_row(L);
  pi__open_saved(L);
  pi__open_watcher(L);
  return 1;
}
