/* watcher.c: what the kernel tells between two readings, and waiting for it. */
#include "bind.h"

#include <limits.h>
#include <string.h>

/* User values of a watcher. */
enum { PROC_ANCHOR = 1, NETNS_ANCHOR, WATCHER_VALUES = NETNS_ANCHOR };

static pi_watcher *check_watcher(lua_State *L, int arg) {
  pi_watcher **box = luaL_checkudata(L, arg, PI__WATCHER);
  if (*box == NULL) luaL_error(L, "this watcher is closed");
  return *box;
}

/* watcher{filter = predicate, backend =, proc =, netns =} -> watcher, or nil,
 * message, errno. */
static int watcher_new(lua_State *L) {
  pi_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pi_options options = pi__check_options(L, 1);
  pi_watcher **box = lua_newuserdatauv(L, sizeof *box, WATCHER_VALUES);
  *box = NULL;
  luaL_setmetatable(L, PI__WATCHER);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, PROC_ANCHOR); /* these texts live as long */
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, NETNS_ANCHOR);
  if (pi_watcher_new(&options, box, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

static int watcher_close(lua_State *L) {
  pi_watcher **box = luaL_checkudata(L, 1, PI__WATCHER);
  pi_watcher_free(*box);
  *box = NULL;
  return 0;
}

/* watcher:meet(reading) -> a reading of the sockets that ended unmet, or false
 * if there are none; or nil, message, errno. */
static int watcher_meet(lua_State *L) {
  pi_error err;
  pi_watcher *w = check_watcher(L, 1);
  const pi_snapshot *latest = pi__check_snapshot(L, 2);
  pi_snapshot **ended = pi__new_snapshot(L);
  for (int i = 1; i < WATCHER_VALUES + 1; i++) { /* it keeps the texts, too */
    lua_getiuservalue(L, 1, i);
    lua_setiuservalue(L, -2, i);
  }
  if (pi_watcher_meet(w, latest, ended, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  if (*ended == NULL) lua_pushboolean(L, 0);
  return 1;
}

/* [-0, +0, v] Milliseconds. */
static unsigned check_time(lua_State *L, int arg) {
  lua_Integer ms = luaL_checkinteger(L, arg);
  luaL_argcheck(L, ms >= 0 && ms <= INT_MAX, arg, "not a time to wait");
  return (unsigned)ms;
}

/* watcher:wait(least, most[, fd]) -> "time", "ended", "left" or "signal", or
 * nil, message, errno. Times are milliseconds. */
static int watcher_wait(lua_State *L) {
  static const char *const names[] = {"time", "ended", "left", "signal"};
  pi_error err;
  pi_watcher *w = check_watcher(L, 1);
  unsigned least = check_time(L, 2), most = check_time(L, 3);
  lua_Integer output = luaL_optinteger(L, 4, -1);
  luaL_argcheck(L, output >= -1 && output <= INT_MAX, 4, "not a descriptor");
  int rc = pi_watcher_wait(w, least, most, (int)output, &err);
  if (rc < 0) return pi__push_refusal(L, &err);
  lua_pushstring(L, names[rc]);
  return 1;
}

/* watcher:hearing() -> {heard =, error = (why the kernel does not tell), told
 * =, lost =, unclear =} */
static int watcher_hearing(lua_State *L) {
  const pi_hearing *h = pi_watcher_hearing(check_watcher(L, 1));
  lua_createtable(L, 0, 5);
  pi__set_boolean(L, "heard", h->heard);
  if (h->os != 0) pi__set_text(L, "error", strerror(h->os));
  pi__set_integer(L, "told", (lua_Integer)h->told);
  pi__set_integer(L, "lost", (lua_Integer)h->lost);
  pi__set_integer(L, "unclear", (lua_Integer)h->unclear);
  return 1;
}

/* ticks() -> milliseconds of a clock that nobody sets */
static int watcher_ticks(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)pi_watcher_ticks());
  return 1;
}

void pi__open_watcher(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"__gc", watcher_close},
      {"__close", watcher_close},
      {"close", watcher_close},
      {"meet", watcher_meet},
      {"wait", watcher_wait},
      {"hearing", watcher_hearing},
      {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"watcher", watcher_new}, {"ticks", watcher_ticks}, {NULL, NULL}};
  pi__make_class(L, PI__WATCHER, methods);
  luaL_setfuncs(L, functions, 0);
}
