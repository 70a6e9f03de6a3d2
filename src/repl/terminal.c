/* terminal.c: Ctrl-C, the time, and the screen. */
#include "terminal.h"
#include "tab.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

/* ---- Interrupts --------------------------------------------------------- */

// statics: a signal has nowhere else to put its news
static volatile sig_atomic_t interrupted;
// a prompt was shown: never end by a signal
static volatile sig_atomic_t session;

static void on_interrupt(int signal_number) {
  if (interrupted && !session) {
    signal(signal_number, SIG_DFL);  // asked twice and nothing stopped
    raise(signal_number);
  }
  interrupted = 1;
}

void terminal_catch_interrupts(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_interrupt;  // no SA_RESTART: reading must wake up
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

// completion answers soon or not at all: when it gives up, in ms; 0: never
static int64_t deadline;

int64_t terminal_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void terminal_at_prompt(void) {
  session = 1;
  interrupted = 0;
}

bool terminal_interrupted(void) {
  return interrupted != 0 || (deadline != 0 && terminal_now_ms() >= deadline);
}

/* lua_pcall for at most `ms`, or what is left of an outer one's time. Lua's
 * hook and the library's loops, which ask terminal_interrupted, then stop as
 * for Ctrl-C. */
int terminal_call_within(lua_State *L, int arguments, int results, int ms) {
  int64_t outer = deadline, end = terminal_now_ms() + ms;
  deadline = outer != 0 && outer < end ? outer : end;
  int rc = lua_pcall(L, arguments, results, 0);
  deadline = outer;
  return rc;
}

static int l_within(lua_State *L) {
  int ms = (int)luaL_checkinteger(L, 1);
  luaL_checkany(L, 2);
  int rc = terminal_call_within(L, lua_gettop(L) - 2, LUA_MULTRET, ms);
  lua_pushboolean(L, rc == LUA_OK);
  lua_replace(L, 1);
  return lua_gettop(L);
}

static int l_interrupted(lua_State *L) {
  lua_pushboolean(L, interrupted != 0);
  return 1;
}

/* With the flag set, the hook stops Lua code at once: it is cleared here,
 * before any of our own runs again. */
static int l_call(lua_State *L) {
  luaL_checkany(L, 1);
  int rc = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  luaL_checkstack(L, 2, "too many results");
  lua_pushboolean(L, rc == LUA_OK);
  lua_pushboolean(L, interrupted != 0);
  interrupted = 0;
  lua_rotate(L, 1, 2);  // ok, interrupted, results
  return lua_gettop(L);
}

static void on_resize(int signal_number) {
  (void)signal_number;  // to wake who waits is all
}

/* For a program that runs until it is told to end, and paints the screen: it is
 * told by SIGTERM and SIGHUP as well, unless they are ignored (nohup), and
 * woken when the screen gets another size. */
static int l_heed(lua_State *L) {
  static const int ends[] = {SIGTERM, SIGHUP};
  struct sigaction action, now;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_interrupt;
  for (int i = 0; i < 2; i++) {
    sigaction(ends[i], NULL, &now);
    if (now.sa_handler != SIG_IGN) sigaction(ends[i], &action, NULL);
  }
  action.sa_handler = on_resize;
  sigaction(SIGWINCH, &action, NULL);
  (void)L;
  return 0;
}

/* ---- The screen --------------------------------------------------------- */

static int l_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* [-0, +1, -] A size of the screen, or nothing if it is not told. */
static int push_size(lua_State *L, bool height) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  int n = height ? size.ws_row : size.ws_col;
  lua_pushinteger(L, n);
  return n != 0;
}

static int l_width(lua_State *L) {
  return push_size(L, false);
}

static int l_height(lua_State *L) {
  return push_size(L, true);
}

static int l_sleep(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "seconds");
  struct timespec left = {.tv_sec = (time_t)seconds};
  left.tv_nsec = (long)((seconds - (lua_Number)left.tv_sec) * 1e9);
  sigset_t held, mask;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigprocmask(SIG_BLOCK, &held, &mask);  // it comes while we wait, or did
  if (!interrupted) pselect(0, NULL, NULL, NULL, &left, &mask);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  lua_pushboolean(L, !interrupted);
  return 1;
}

int luaopen_portinfo_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"is_terminal", l_is_terminal},
      {"width", l_width},
      {"height", l_height},
      {"sleep", l_sleep},
      {"interrupted", l_interrupted},
      {"heed", l_heed},
      {"call", l_call},
      {"within", l_within},
      {"set_completer", tab_set_completer},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  terminal_add_child(L);
  terminal_add_files(L);
  terminal_add_lines(L);
  terminal_add_pager(L);
  return 1;
}
