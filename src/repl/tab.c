/* tab.c: what Tab offers, as a function of Lua says, given to GNU readline. */
#include "tab.h"
#include "terminal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lauxlib.h>

#ifdef PI_READLINE
#include <readline/readline.h>
#endif

static const char completer = 0;  // its address is the function's key

#ifdef PI_READLINE

enum { COMPLETION_MS = 300 };

/* What is completed, and what was found: `matches` ends with NULL, begins at 1,
 * and is readline's in the end; 0 is for what they all begin with. */
typedef struct completion {
  const char *line;
  size_t length, cursor;
  size_t word;   // where it begins for readline
  size_t start;  // where the candidates begin
  bool files;    // any file is one
  char **matches;
  size_t count, room;
} completion;

// readline's hook has no argument of ours: whose state called it
static lua_State *reader;

static void free_matches(completion *c) {
  for (size_t i = 0; i <= c->count && c->matches != NULL; i++) {
    free(c->matches[i]);
  }
  free(c->matches);
  c->matches = NULL;
}

static char *join(const char *head, size_t n, const char *tail, size_t m) {
  char *text = malloc(n + m + 1);
  if (text == NULL) return NULL;
  memcpy(text, head, n);
  memcpy(text + n, tail, m);
  text[n + m] = '\0';
  return text;
}

/* A candidate replaces the line from `start`, a match readline's word. False if
 * memory ran out; a candidate that cannot be a match is left out. */
static bool add_match(completion *c, const char *text, size_t length) {
  if (c->count + 2 >= c->room) {
    size_t room = c->room * 2 + 16;
    char **more = realloc(c->matches, room * sizeof *more);
    if (more == NULL) return false;
    memset(more + c->room, 0, (room - c->room) * sizeof *more);
    c->matches = more;
    c->room = room;
  }
  const char *head = c->line + c->word;
  size_t before = 0;
  if (c->start < c->word) {
    head = c->line + c->start;
    before = c->word - c->start;
    if (length < before || memcmp(text, head, before) != 0) return true;
  }
  size_t between = c->start > c->word ? c->start - c->word : 0;
  char *match = join(head, between, text + before, length - before);
  if (match == NULL) return false;
  c->matches[++c->count] = match;
  return true;
}

/* Sets the first: what all begin with, or if that is not what was typed (case
 * apart, say), what was typed. */
static bool finish_matches(completion *c) {
  char **m = c->matches;
  if (c->count == 0) return false;
  if (c->count == 1) {
    m[0] = m[1];
    m[1] = NULL;
    return true;
  }
  const char *word = c->line + c->word;
  size_t common = strlen(m[1]), typed = c->cursor - c->word;
  for (size_t i = 2; i <= c->count; i++) {
    size_t k = 0;
    while (k < common && m[i][k] == m[1][k]) k++;
    common = k;
  }
  // whole characters
  while (common > 0 && ((unsigned char)m[1][common] & 0xc0) == 0x80) common--;
  bool longer = common >= typed && memcmp(m[1], word, typed) == 0;
  m[0] = join(longer ? m[1] : word, longer ? common : typed, "", 0);
  return m[0] != NULL;
}

/* Is a name of a file safe in a string of Lua, and on a terminal? */
static bool is_plain(const char *name) {
  for (; *name != '\0'; name++) {
    unsigned char b = (unsigned char)*name;
    if (b < 0x20 || b >= 0x7f || b == '"' || b == '\'' || b == '\\')
      return false;
  }
  return true;
}

static bool add_files(completion *c) {
  char *path = join(c->line + c->start, c->cursor - c->start, "", 0);
  bool ok = path != NULL;
  char *name;
  for (int next = 0;
       ok && (name = rl_filename_completion_function(path, next)) != NULL;
       next = 1) {
    struct stat st;
    char *folder = stat(name, &st) == 0 && S_ISDIR(st.st_mode)
                       ? join(name, strlen(name), "/", 1)
                       : NULL;
    const char *shown = folder != NULL ? folder : name;
    if (is_plain(name)) ok = add_match(c, shown, strlen(shown));
    free(folder);
    free(name);
  }
  rl_filename_completion_desired = 0;  // shown whole, and not changed
  free(path);
  return ok;
}

/* complete(completion): all that can raise. */
static int protected_complete(lua_State *L) {
  completion *c = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &completer);
  lua_pushlstring(L, c->line, c->length);
  lua_pushinteger(L, (lua_Integer)c->cursor);
  lua_call(L, 2, 2); /* candidates, start */
  lua_Integer start = lua_tointeger(L, 3);
  if (start < 1 || (size_t)start - 1 > c->cursor) return 0;
  c->start = (size_t)start - 1;
  c->files = lua_type(L, 2) == LUA_TSTRING;
  lua_Integer n = lua_istable(L, 2) ? (lua_Integer)lua_rawlen(L, 2) : 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 2, i);
    size_t length = 0;
    const char *text =
        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
    if (length > 0 && !add_match(c, text, length))
      return luaL_error(L, "memory");
    lua_pop(L, 1);
  }
  return 0;
}

/* Never shows an error: there is just nothing to complete. */
static char **complete(const char *word, int first, int cursor) {
  (void)word;
  completion c = {.line = rl_line_buffer, .length = (size_t)rl_end};
  c.cursor = (size_t)cursor;
  c.word = (size_t)first;
  rl_attempted_completion_over = 1;  // no files unless we say so
  // code goes on behind a word in many ways
  rl_completion_suppress_append = 1;
  rl_completion_suppress_quote = 1;
  if (!lua_checkstack(reader, 4)) return NULL;
  lua_pushcfunction(reader, protected_complete);
  lua_pushlightuserdata(reader, &c);
  bool ok = terminal_call_within(reader, 1, 0, COMPLETION_MS) == LUA_OK;
  if (!ok) lua_pop(reader, 1);
  if (ok && c.files) ok = add_files(&c);
  rl_sort_completion_matches = c.files;  // others have an order
  if (!ok || !finish_matches(&c)) free_matches(&c);
  return c.matches;
}

static void use_completer(void) {
  rl_attempted_completion_function = complete;
  rl_basic_quote_characters = "";  // a string may go on: it is not closed
  // words of filters hold a minus; what else parts them is known in Lua
  rl_completer_word_break_characters = " \t\n\"\\'`@$><=;|&{}()[],.:~!#%^*+/?";
}

#endif

void tab_read_for(lua_State *L) {
#ifdef PI_READLINE
  reader = L;
#else
  (void)L;
#endif
}

int tab_set_completer(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &completer);
#ifdef PI_READLINE
  use_completer();
#endif
  return 0;
}
