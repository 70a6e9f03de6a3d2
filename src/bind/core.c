/* core.c: opens the module portinfo.core. */
#include "bind.h"

int pi__push_refusal(lua_State *L, const pi_error *err) {
  luaL_pushfail(L);
  lua_pushstring(L, err->text);
  if (err->os != 0)
    lua_pushinteger(L, err->os);
  else
    luaL_pushfail(L);
  return 3;
}

void pi__set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void pi__set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

void pi__set_text(lua_State *L, const char *name, const char *text) {
  if (text[0] == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_portinfo_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  pi__set_text(L, "version", pi_version());
  pi__set_text(L, "registry_date", pi_registry_date());
  pi__open_facts(L);
  pi__open_predicate(L);
  pi__open_snapshot(L);
  pi__open_row(L);
  return 1;
}
