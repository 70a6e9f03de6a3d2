/* pin.c: the pinned probe, for the verb that installs it. */
#include "bind.h"

/* pin_install([group]) -> true, or nil, message, errno */
static int pin_install(lua_State *L) {
  pi_error err;
  const char *group = luaL_optstring(L, 1, NULL);
  if (pi_pin_install(group, &err) != 0) return pi__push_refusal(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* pin_remove() -> was there one?, or nil, message, errno */
static int pin_remove(lua_State *L) {
  pi_error err;
  bool removed;
  if (pi_pin_remove(&removed, &err) != 0) return pi__push_refusal(L, &err);
  lua_pushboolean(L, removed);
  return 1;
}

/* pin_status() -> {folder, built_in, closed, installed, readable, group,
 * version, ours}, or nil, message, errno. `installed` is nil where the folder
 * is closed, `group` false where root alone may read, `version` nil where none
 * was seen. */
static int pin_status(lua_State *L) {
  pi_error err;
  pi_pin pin;
  if (pi_pin_status(&pin, &err) != 0) return pi__push_refusal(L, &err);
  lua_newtable(L);
  pi__set_text(L, "folder", PI_PIN_FOLDER);
  pi__set_boolean(L, "built_in", pin.built_in);
  pi__set_boolean(L, "closed", pin.closed);
  if (!pin.closed) pi__set_boolean(L, "installed", pin.installed);
  pi__set_integer(L, "ours", pin.ours);
  if (!pin.installed) return 1;
  pi__set_boolean(L, "readable", pin.readable);
  if (pin.shared)
    pi__set_text(L, "group", pin.group);
  else
    pi__set_boolean(L, "group", false);
  if (pin.version != 0) pi__set_integer(L, "version", pin.version);
  return 1;
}

void pi__open_pin(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"pin_install", pin_install},
      {"pin_remove", pin_remove},
      {"pin_status", pin_status},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
