/* bounded.c: calls functions of others for a time: a count hook, which code in
 * C does not meet, nor a message handler of xpcall that runs because of it. */
#include "bind.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* How many instructions pass between two looks at the clock. */
enum { HOOK_COUNT = 1000 };

/* A call in progress: registry[&key], which hooks find. */
typedef struct bound {
  int64_t end; /* of the thread's own time, in nanoseconds */
  bool over;
  lua_Hook former; /* asked as well: somebody may want to interrupt */
} bound;

static const char key;

/* Processor time, so that a busy machine stops nobody. */
static int64_t now_ns(void) {
  struct timespec t;
#ifdef CLOCK_THREAD_CPUTIME_ID
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
#else
  clock_gettime(CLOCK_MONOTONIC, &t);
#endif
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Raises when the time is over, and from then on at every instruction, so that
 * nobody catches the error and goes on. Coroutines that are made in the call
 * inherit the hook, and may outlive it. */
static void on_count(lua_State *L, lua_Debug *ar) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  bound *b = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (b == NULL) return;
  if (b->former != NULL) b->former(L, ar);
  if (!b->over && now_ns() < b->end) return;
  b->over = true;
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  luaL_where(L, 0);  // the function that runs
  lua_pushliteral(L, "took too long");
  lua_concat(L, 2);
  lua_error(L);
}

/* bounded(seconds, f, ...) -> as pcall(f, ...); or false, the error, true if
 * the function had used up its processor time. A call inside of another has a
 * time of its own. */
static int bounded(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds > 0 && seconds <= 86400, 1, "not 0 to 86400");
  luaL_checkany(L, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key); /* the call around this one */
  bound *b = lua_newuserdatauv(L, sizeof *b, 0);
  lua_Hook former = lua_gethook(L);
  int mask = lua_gethookmask(L), count = lua_gethookcount(L);
  b->end = now_ns() + (int64_t)(seconds * 1e9);
  b->over = false;
  b->former = former != on_count && mask == LUA_MASKCOUNT ? former : NULL;
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  lua_insert(L, 1); /* bound, seconds, f, ..., outer */
  lua_insert(L, 1); /* outer, bound, seconds, f, ... */
  // the former hook may expect its own count
  lua_sethook(L, on_count, LUA_MASKCOUNT,
              b->former != NULL ? count : HOOK_COUNT);
  bool ok = lua_pcall(L, lua_gettop(L) - 4, LUA_MULTRET, 0) == LUA_OK;
  lua_sethook(L, former, mask, count);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  luaL_checkstack(L, 2, "too many results");
  lua_pushboolean(L, ok);
  lua_replace(L, 3); /* outer, bound, ok, results */
  if (!ok) lua_pushboolean(L, b->over);
  return lua_gettop(L) - 2;
}

void pi__open_bounded(lua_State *L) {
  lua_pushcfunction(L, bounded);
  lua_setfield(L, -2, "bounded");
}
