/* terminal.c: lines from a person, and Ctrl-C. With GNU
 * readline, libedit, or neither. */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#include <lauxlib.h>

#if defined(PI_READLINE)
#include <readline/readline.h>
#define PI_EDITOR
#elif defined(PI_LIBEDIT)
#include <editline/readline.h>
#define PI_EDITOR
#endif

/* ---- Interrupts --------------------------------------------------------- */

// the only statics of the program: a signal has nowhere else to put its news
static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t
    session;  // a prompt was shown: never end by a signal

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

bool terminal_interrupted(void) {
  return interrupted != 0;
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

/* ---- The screen --------------------------------------------------------- */

static int l_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int l_width(lua_State *L) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* ---- Lines -------------------------------------------------------------- */

typedef enum outcome { LINE, END, INTERRUPTED } outcome;

/* Without an editor, or where nobody types. */
static outcome read_plain(const char *prompt, char **line) {
  size_t size = 0;
  *line = NULL;
  fputs(prompt, stdout);
  fflush(stdout);
  ssize_t n = getline(line, &size, stdin);
  if (n >= 0) {
    if (n > 0 && (*line)[n - 1] == '\n') (*line)[n - 1] = '\0';
    return LINE;
  }
  free(*line);
  *line = NULL;
  clearerr(stdin);
  bool stopped = interrupted != 0;
  printf(stopped ? "^C\n" : "\n");
  return stopped ? INTERRUPTED : END;
}

#ifdef PI_EDITOR

// readline's callback has no argument of ours
static char *taken;
static bool done;

static void take_line(char *line) {
  taken = line;
  done = true;
  rl_callback_handler_remove();
}

/* The end of the input leaves the cursor behind the prompt, unless readline
 * ends the line itself, as it does since 8.1 together with bracketed paste. */
static void end_line(void) {
#if defined(PI_READLINE) && RL_READLINE_VERSION >= 0x0801
  const char *paste = rl_variable_value("enable-bracketed-paste");
  if (paste != NULL && strcmp(paste, "on") == 0) return;
#endif
  putchar('\n');
}

// what stops or ends a program, with the terminal as readline has it
static const int watched[] = {SIGTSTP, SIGHUP, SIGQUIT, SIGTERM};
enum { WATCHED = sizeof watched / sizeof *watched };

static volatile sig_atomic_t noted;  // one of them

static void note(int signal_number) {
  if (noted == 0 || noted == SIGTSTP) noted = signal_number;  // an end stays
}

typedef struct watch {
  sigset_t mask;  // as it was
  struct sigaction actions[WATCHED];
} watch;

/* From here on these signals come while we wait, and at no other time. */
static void watch_begin(watch *w) {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  for (int i = 0; i < WATCHED; i++) sigaddset(&held, watched[i]);
  sigprocmask(SIG_BLOCK, &held, &w->mask);
  noted = 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < WATCHED; i++) {
    sigaction(watched[i], NULL, &w->actions[i]);
    if (w->actions[i].sa_handler == SIG_IGN) continue;  // nohup's wish
    sigaction(watched[i], &action, NULL);
  }
}

/* A signal that was noted is raised again, and stops or ends the
 * program as ever. */
static void watch_end(const watch *w) {
  for (int i = 0; i < WATCHED; i++) {
    sigaction(watched[i], &w->actions[i], NULL);
  }
  if (noted) raise(noted);
  sigprocmask(SIG_SETMASK, &w->mask, NULL);
}

/* True if there is input, false after a signal or with errno. */
static bool wait_for_input(const watch *w) {
  fd_set input;
  FD_ZERO(&input);
  FD_SET(STDIN_FILENO, &input);
  return pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &w->mask) > 0;
}

/* Ctrl-Z: stops with the terminal as it was, and goes on with the line. */
static void stop(watch *w) {
  rl_deprep_terminal();
  watch_end(w);  // stops here
  watch_begin(w);
  rl_prep_terminal(1);
  rl_forced_update_display();
}

static void give_up_line(void) {
  fputs("^C\n", stdout);  // before readline returns to the line's start
  fflush(stdout);
#ifdef PI_READLINE
  rl_free_line_state();
  rl_callback_sigcleanup();
#endif
}

/* Readline is fed by characters, so that a signal is noticed between them and
 * no jump ever leaves its frames. */
static outcome read_line(const char *prompt, char **line) {
  // libedit's callback never hears of the end of a pipe
  if (!isatty(STDIN_FILENO)) return read_plain(prompt, line);
  watch w;
  done = false;
  taken = NULL;
  watch_begin(&w);
  rl_callback_handler_install(prompt, take_line);
  while (!done && !interrupted && (!noted || noted == SIGTSTP)) {
    if (noted == SIGTSTP) {
      stop(&w);
    } else if (wait_for_input(&w)) {
      rl_callback_read_char();
      // a terminal that is gone is always ready, and libedit reads on for ever
      if (!done && !isatty(STDIN_FILENO)) break;
    } else if (errno != EINTR) {
      break;
    } else if (!interrupted && !noted) {
#ifdef PI_READLINE
      rl_resize_terminal();
#endif
    }
  }
  bool stopped = !done && interrupted;
  if (stopped) give_up_line();
  if (!done) rl_callback_handler_remove();
  watch_end(&w);
  if (stopped) return INTERRUPTED;
  *line = taken;
  if (taken == NULL) end_line();
  return taken == NULL ? END : LINE;
}

#else

static outcome read_line(const char *prompt, char **line) {
  return read_plain(prompt, line);
}

#endif

static int free_line(lua_State *L) {
  char **box = lua_touserdata(L, 1);
  free(*box);
  *box = NULL;
  return 0;
}

static int l_read(lua_State *L) {
  const char *prompt = luaL_checkstring(L, 1);
  char **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  if (luaL_newmetatable(L, "portinfo.line")) {
    lua_pushcfunction(L, free_line);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  session = 1;
  interrupted = 0;
  outcome result = read_line(prompt, box);
  interrupted = 0;
  if (result == LINE)
    lua_pushstring(L, *box);
  else if (result == INTERRUPTED)
    lua_pushboolean(L, 0);
  else
    lua_pushnil(L);
  return 1;
}

int luaopen_portinfo_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"is_terminal", l_is_terminal}, {"width", l_width}, {"read", l_read},
      {"interrupted", l_interrupted}, {"call", l_call},   {NULL, NULL},
  };
  luaL_newlib(L, functions);
  terminal_add_files(L);
#if defined(PI_READLINE)
  rl_readline_name = "portinfo";
  rl_catch_signals = 0;  // ours
  lua_pushliteral(L, "GNU readline");
#elif defined(PI_LIBEDIT)
  rl_readline_name = "portinfo";
  lua_pushliteral(L, "libedit");
#else
  lua_pushliteral(L, "none");
#endif
  lua_setfield(L, -2, "editor");
  return 1;
}
