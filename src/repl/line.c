/* line.c: lines from a person. With GNU readline, libedit, or neither: only
 * readline edits a chunk of several lines as a whole and takes a paste as one;
 * with the others, and on a terminal that cannot move its cursor up, whoever
 * asks reads the further lines one by one. */
#include "tab.h"
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include <lauxlib.h>

#if defined(PI_READLINE)
#include <readline/readline.h>
#define PI_EDITOR
#elif defined(PI_LIBEDIT)
#include <editline/readline.h>
#define PI_EDITOR
#endif

typedef enum outcome { LINE, END, INTERRUPTED } outcome;

typedef struct text {
  char *bytes;  // malloc's
  size_t length;
} text;

/* shown(): whoever waits at a prompt waits for nothing else. What goes wrong
 * shows when it is missed. */
static void tell_shown(lua_State *L) {
  if (!lua_isfunction(L, 3)) return;
  lua_pushvalue(L, 3);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* Without an editor, or where nobody types. */
static outcome read_plain(lua_State *L, const char *prompt, text *line) {
  size_t size = 0;
  fputs(prompt, stdout);
  fflush(stdout);
  tell_shown(L);
  ssize_t n = getline(&line->bytes, &size, stdin);
  if (n >= 0) {
    if (n > 0 && line->bytes[n - 1] == '\n') n--;
    line->length = (size_t)n;
    return LINE;
  }
  free(line->bytes);
  line->bytes = NULL;
  clearerr(stdin);
  bool stopped = terminal_interrupted();
  printf(stopped ? "^C\n" : "\n");
  return stopped ? INTERRUPTED : END;
}

#ifdef PI_EDITOR

typedef struct watch watch;

// the line under way: readline's callbacks have no argument of ours
static struct {
  char *taken;
  bool done;
  bool bound;  // the keys of this program, once
  const watch *watch;
  lua_State *L;
  int finished;   // where on its stack is what tells a whole chunk; 0: nowhere
  size_t ending;  // keys given of what ends a paste
} edit;

static void take_line(char *line) {
  edit.taken = line;
  edit.done = true;
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

struct watch {
  sigset_t mask;  // as it was
  struct sigaction actions[WATCHED];
};

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

/* A pasted binary file must not end the session: Ctrl-\ is no signal here, and
 * Ctrl-C takes no keys with it, of which one could begin the paste. */
static void prepare_terminal(int meta) {
  rl_prep_terminal(meta);
#ifdef PI_READLINE
  struct termios settings;
  if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
  settings.c_cc[VQUIT] = _POSIX_VDISABLE;
  settings.c_lflag |= NOFLSH;
  tcsetattr(STDIN_FILENO, TCSANOW, &settings);
#endif
}

/* Ctrl-Z: stops with the terminal as it was, and goes on with the line. */
static void stop(watch *w) {
  rl_deprep_terminal();
  watch_end(w);  // stops here
  watch_begin(w);
  prepare_terminal(1);
  rl_forced_update_display();
}

#ifdef PI_READLINE

/* Is there more of what was under way when the interrupt came? A ^C in a paste
 * must not leave the rest to be run line by line. */
static bool goes_on(void) {
  struct timeval moment = {.tv_usec = 250000};
  fd_set input;
  FD_ZERO(&input);
  FD_SET(STDIN_FILENO, &input);
  return select(STDIN_FILENO + 1, &input, NULL, NULL, &moment) > 0;
}

/* No more keys: first what ends a paste, which is not whole without it, and of
 * which readline 8.2 would read past the end. */
static int no_key(void) {
  static const char end[] = "\033[201~";
  return edit.ending < sizeof end - 1 ? end[edit.ending++] : EOF;
}

/* Readline waits by itself for the rest of a paste: an interrupt ends that. */
static int read_key(FILE *input) {
  for (;;) {
    unsigned char key;
    if (edit.ending > 0) return no_key();  // keys between would break the mark
    if (terminal_interrupted()) {
      if (!goes_on()) return no_key();
    } else if (!wait_for_input(edit.watch)) {
      if (errno == EINTR && (!noted || noted == SIGTSTP)) continue;
      return no_key();
    }
    ssize_t n = read(fileno(input), &key, 1);
    if (n == 1) return key;
    if (n == 0 || (errno != EINTR && errno != EAGAIN)) return no_key();
  }
}

static int keys_waiting(void) {
  int n = 0;
  return ioctl(STDIN_FILENO, FIONREAD, &n) == 0 ? n : 0;
}

static void show_later(void) {}

/* A flood of keys is shown when it pauses: each look costs the whole line.
 * Readline takes a function for what shows the line, but with one of ours it
 * would not look what the terminal can do. */
static void take_key(void) {
  bool flood = keys_waiting() > 1;
  if (flood) rl_redisplay_function = show_later;
  rl_callback_read_char();
  rl_redisplay_function = rl_redisplay;
  if (flood && !edit.done && keys_waiting() == 0) rl_redisplay();
}

/* ask_finished(finished, text): below the pcall of is_finished. */
static int ask_finished(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 2));
  lua_replace(L, 2);
  lua_call(L, 1, 1);
  return 1;
}

/* Whoever cannot answer has nothing to add. */
static bool is_finished(void) {
  lua_State *L = edit.L;
  if (edit.finished == 0 || !lua_checkstack(L, 3)) return true;
  lua_pushcfunction(L, ask_finished);
  lua_pushvalue(L, edit.finished);
  lua_pushlightuserdata(L, rl_line_buffer);
  bool yes = lua_pcall(L, 2, 1, 0) != LUA_OK || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

/* Lines below each other take a terminal that can move up. */
static bool has_lines(void) {
  const char *up = rl_get_termcap("up");
  const char *scrolls = rl_variable_value("horizontal-scroll-mode");
  return up != NULL && *up != '\0' && scrolls != NULL &&
         strcmp(scrolls, "off") == 0;
}

/* Enter: another line for a chunk that wants more, else its end. */
static int on_enter(int count, int key) {
  if (has_lines() && !is_finished()) {
    rl_insert_text("\n");
    return 0;
  }
  rl_redisplay();  // also if more keys wait
  return rl_newline(count, key);
}

/* Where the line around this byte begins, and ends. */
static int line_start(int at) {
  while (at > 0 && rl_line_buffer[at - 1] != '\n') at--;
  return at;
}

static int line_end(int at) {
  while (at < rl_end && rl_line_buffer[at] != '\n') at++;
  return at;
}

/* To the column of the cursor, or near it, in the line that begins there. */
static int move_to(int start) {
  int at = start + (rl_point - line_start(rl_point));
  int end = line_end(start);
  if (at > end) at = end;
  while (at > start && (rl_line_buffer[at] & 0xC0) == 0x80) at--;  // UTF-8
  rl_point = at;
  return 0;
}

/* Up: the line above, and from the first one the chunk before. */
static int on_up(int count, int key) {
  int start = line_start(rl_point);
  if (start == 0) return rl_get_previous_history(count, key);
  return move_to(line_start(start - 1));
}

static int on_down(int count, int key) {
  int end = line_end(rl_point);
  if (end == rl_end) return rl_get_next_history(count, key);
  return move_to(end + 1);
}

static int on_home(int count, int key) {
  (void)count, (void)key;
  rl_point = line_start(rl_point);
  return 0;
}

static int on_end(int count, int key) {
  (void)count, (void)key;
  rl_point = line_end(rl_point);
  return 0;
}

/* Binds ours to all the keys of a function of readline's. */
static void replace(rl_command_func_t *theirs, rl_command_func_t *ours,
                    Keymap keymap) {
  char **keys = rl_invoking_keyseqs_in_map(theirs, keymap);
  for (int i = 0; keys != NULL && keys[i] != NULL; i++) {
    rl_bind_keyseq_in_map(keys[i], ours, keymap);
    free(keys[i]);
  }
  free(keys);
}

/* A buffer of several lines is moved in by lines, with the keys of the inputrc.
 */
static void bind_keys(void) {
  static const char *const keymaps[] = {"emacs", "vi-insert", "vi-command"};
  for (size_t i = 0; i < sizeof keymaps / sizeof *keymaps; i++) {
    Keymap keymap = rl_get_keymap_by_name(keymaps[i]);
    if (keymap == NULL) continue;
    replace(rl_newline, on_enter, keymap);
    replace(rl_get_previous_history, on_up, keymap);
    replace(rl_get_next_history, on_down, keymap);
    replace(rl_beg_of_line, on_home, keymap);
    replace(rl_end_of_line, on_end, keymap);
  }
}

static void give_up_line(void) {
  rl_point = rl_end;  // ^C comes behind the last of its lines
  rl_redisplay();
  fputs("^C\n", stdout);
  fflush(stdout);
  rl_free_line_state();
  rl_callback_sigcleanup();
}

#else

static void take_key(void) {
  rl_callback_read_char();
}

static void bind_keys(void) {}

static void give_up_line(void) {
  fputs("^C\n", stdout);
  fflush(stdout);
}

#endif

/* Readline is fed by characters, so that a signal is noticed between them and
 * no jump ever leaves its frames. */
static outcome read_line(lua_State *L, const char *prompt, text *line) {
  // libedit's callback never hears of the end of a pipe
  if (!isatty(STDIN_FILENO)) return read_plain(L, prompt, line);
  watch w;
  edit.done = false;
  edit.ending = 0;
  edit.taken = NULL;
  edit.watch = &w;
  watch_begin(&w);
  rl_callback_handler_install(prompt, take_line);
  if (!edit.bound) bind_keys();  // the inputrc was read
  edit.bound = true;
  tell_shown(L);
  while (!edit.done && !terminal_interrupted() &&
         (!noted || noted == SIGTSTP)) {
    if (noted == SIGTSTP) {
      stop(&w);
    } else if (wait_for_input(&w)) {
      take_key();
      // a terminal that is gone is always ready, and libedit reads on for ever
      if (!edit.done && !isatty(STDIN_FILENO)) break;
    } else if (errno != EINTR) {
      break;
    } else if (!terminal_interrupted() && !noted) {
#ifdef PI_READLINE
      rl_resize_terminal();
#endif
    }
  }
  bool stopped = edit.taken == NULL && terminal_interrupted();
  if (stopped) give_up_line();
  if (!edit.done) rl_callback_handler_remove();
  watch_end(&w);
  if (stopped) return INTERRUPTED;
  line->bytes = edit.taken;
  if (edit.taken == NULL) {
    end_line();
    return END;
  }
  line->length = strlen(edit.taken);
  return LINE;
}

#else

static outcome read_line(lua_State *L, const char *prompt, text *line) {
  return read_plain(L, prompt, line);
}

#endif

static int free_line(lua_State *L) {
  text *line = lua_touserdata(L, 1);
  free(line->bytes);
  line->bytes = NULL;
  return 0;
}

static int l_read(lua_State *L) {
  const char *prompt = luaL_checkstring(L, 1);
  lua_settop(L, 3);
  text *line = lua_newuserdatauv(L, sizeof *line, 0);
  *line = (text){0};
  if (luaL_newmetatable(L, "portinfo.line")) {
    lua_pushcfunction(L, free_line);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  terminal_at_prompt();
  tab_read_for(L);
#ifdef PI_EDITOR
  edit.L = L;
  edit.finished = lua_isfunction(L, 2) ? 2 : 0;
#endif
  outcome result = read_line(L, prompt, line);
  terminal_at_prompt();
  if (result == LINE)
    lua_pushlstring(L, line->bytes, line->length);
  else if (result == INTERRUPTED)
    lua_pushboolean(L, 0);
  else
    lua_pushnil(L);
  return 1;
}

void terminal_add_lines(lua_State *L) {
  lua_pushcfunction(L, l_read);
  lua_setfield(L, -2, "read");
#if defined(PI_READLINE)
  rl_readline_name = "portinfo";
  rl_catch_signals = 0;  // ours
  rl_getc_function = read_key;
  rl_prep_term_function = prepare_terminal;
  lua_pushliteral(L, "GNU readline");
#elif defined(PI_LIBEDIT)
  rl_readline_name = "portinfo";
  lua_pushliteral(L, "libedit");
#else
  lua_pushliteral(L, "none");
#endif
  lua_setfield(L, -2, "editor");
}
