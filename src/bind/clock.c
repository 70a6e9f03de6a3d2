/* clock.c: time that passes, for what measures, waits and gives up. */
#include "bind.h"

#include <time.h>

enum { MOST_SECONDS = 3600 };  // of one sleep: callers look, and sleep again

/* clock() -> seconds since some moment, to measure with: nobody sets it. */
static int clock_read(lua_State *L) {
  struct timespec t;
  if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return luaL_error(L, "no clock");
  lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
  return 1;
}

/* sleep(seconds) -> true when they have passed, false when a signal came first.
 * Raises if readings are to stop now, see pi_bind_interrupt. */
static int clock_sleep(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= MOST_SECONDS, 1,
                "seconds are 0 to 3600");
  struct timespec t;
  t.tv_sec = (time_t)seconds;
  t.tv_nsec = (long)((seconds - (lua_Number)t.tv_sec) * 1e9);
  bool passed = nanosleep(&t, NULL) == 0;
  bool (*interrupted)(void) = pi__get_interrupt(L);
  if (interrupted != NULL && interrupted()) {
    return luaL_error(L, "interrupted");
  }
  lua_pushboolean(L, passed);
  return 1;
}

void pi__open_clock(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"clock", clock_read},
      {"sleep", clock_sleep},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
