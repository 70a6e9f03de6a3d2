/* saved.c: readings written to files, read from them, and compared. */
#include "bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Files -------------------------------------------------------------- */

/* [-0, +1|3, m] What became of a file that was to be written whole. */
static int push_replaced(lua_State *L, int rc, const char *path,
                         const pi_error *err) {
  if (rc == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  int os = rc > 0 ? rc : err->os;
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, rc > 0 ? strerror(rc) : err->text);
  if (os != 0)
    lua_pushinteger(L, os);
  else
    luaL_pushfail(L);
  return 3;
}

/* Nothing in here raises, so no draft is left open. */
static int save_at(const char *path, pi_snapshot *s, const pi_selection *rows,
                   const char *filter, pi_error *err) {
  pi_draft *draft;
  int rc = pi_draft_open(path, false, &draft, err);
  if (rc != 0) return rc;
  rc = pi_snapshot_save(s, rows, filter, pi_draft_write, draft, err);
  if (rc == 0) rc = pi_draft_commit(draft, err);
  pi_draft_free(draft);
  return rc;
}

static int replace(const char *path, const char *text, size_t length,
                   pi_error *err) {
  pi_draft *draft;
  int rc = pi_draft_open(path, true, &draft, err);
  if (rc != 0) return rc;
  rc = pi_draft_write(draft, text, length);
  if (rc == 0) rc = pi_draft_commit(draft, err);
  pi_draft_free(draft);
  return rc;
}

/* replace(path, text): writes a plain file whole -> true; or nil, message,
 * errno, and nothing has changed. */
static int file_replace(lua_State *L) {
  size_t length;
  const char *path = luaL_checkstring(L, 1);
  const char *text = luaL_checklstring(L, 2, &length);
  pi_error err = {0};
  return push_replaced(L, replace(path, text, length, &err), path, &err);
}

/* selection:save(file or path[, filter]) -> true, or nil, message, errno. What
 * stands at a path is replaced as a whole. `filter`: the text of what was asked
 * for. */
static int selection_save(lua_State *L) {
  const char *path = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  FILE *file = path == NULL ? pi__check_file(L, 2) : NULL;
  const char *filter = luaL_optstring(L, 3, NULL);
  pi_snapshot *s;
  pi_error err = {0};
  const pi_selection *rows = pi__check_selection(L, 1, &s);
  if (path != NULL) {
    int rc = save_at(path, s, rows, filter, &err);
    return push_replaced(L, rc, path, &err);
  }
  int rc = pi_snapshot_save(s, rows, filter, pi__write_file, file, &err);
  return pi__push_written(L, rc, file, &err);
}

typedef struct source {
  FILE *file;
  bool (*interrupted)(void);
} source;

static ptrdiff_t read_file(void *arg, char *buffer, size_t size) {
  source *from = arg;
  for (;;) {
    errno = 0;
    size_t n = fread(buffer, 1, size, from->file);
    if (n > 0 || !ferror(from->file)) return (ptrdiff_t)n;
    bool stop = from->interrupted != NULL && from->interrupted();
    if (errno != EINTR || stop) return errno != 0 ? -errno : -EIO;
    clearerr(from->file);
  }
}

/* load(file) -> reading, or nil, message, errno */
static int saved_load(lua_State *L) {
  source from = {pi__check_file(L, 1), pi__get_interrupt(L)};
  pi_error err = {0};
  pi_snapshot **snapshot = pi__new_snapshot(L);
  if (pi_snapshot_load(read_file, &from, from.interrupted, snapshot, &err)) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

/* snapshot:loaded() -> boolean */
static int snapshot_loaded(lua_State *L) {
  lua_pushboolean(L, pi_snapshot_loaded(pi__check_snapshot(L, 1)));
  return 1;
}

/* snapshot:filter() -> the text of what a loaded reading was asked for; nil for
 * everything */
static int snapshot_filter(lua_State *L) {
  lua_pushstring(L, pi_snapshot_filter(pi__check_snapshot(L, 1)));
  return 1;
}

/* ---- Differences -------------------------------------------------------- */

static int diff_gc(lua_State *L) {
  pi_diff_deinit(lua_touserdata(L, 1));
  return 0;
}

/* [-0, +1, m] A to-be-closed box. */
static pi_diff *new_diff(lua_State *L) {
  pi_diff *d = lua_newuserdatauv(L, sizeof *d, 0);
  memset(d, 0, sizeof *d);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, diff_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, diff_gc);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return d;
}

/* [-0, +1, m] A list of names. */
static void push_fields(lua_State *L, uint64_t fields) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (!(fields >> f & 1)) continue;
    lua_pushstring(L, pi_field_describe((pi_field)f)->name);
    lua_rawseti(L, -2, ++n);
  }
}

/* [-0, +0, m] t[name] = a selection of the reading at `box`, which takes *rows
 * over. */
static void set_selection(lua_State *L, const char *name, int box,
                          pi_selection **rows) {
  *pi__new_selection(L, box) = *rows;
  *rows = NULL;
  lua_setfield(L, -2, name);
}

/* selection:diff(selection[, key]) -> {added =, removed =, before =, after =,
 * fields =}: selections, and for each pair of before and after a list of names;
 * or nil, message, errno. `key`: socket or service, see pi_key. */
static int selection_diff(lua_State *L) {
  static const char *const keys[] = {"socket", "service", NULL};
  static const pi_key values[] = {PI_KEY_SOCKET, PI_KEY_SERVICE};
  pi_snapshot *one, *other;
  pi_error err = {0};
  pi_key key = values[luaL_checkoption(L, 3, "socket", keys)];
  lua_settop(L, 2);
  const pi_selection *of_one = pi__check_selection(L, 1, &one);
  const pi_selection *of_other = pi__check_selection(L, 2, &other);
  enum { ONE = 3, OTHER = 4 }; /* the readings, on the stack */
  pi_diff *d = new_diff(L);
  if (pi_snapshot_diff_by(one, of_one, other, of_other, key, d, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  size_t n = pi_selection_count(d->after);
  lua_createtable(L, 0, 5);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_fields(L, d->fields[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "fields");
  set_selection(L, "added", OTHER, &d->added);
  set_selection(L, "removed", ONE, &d->removed);
  set_selection(L, "before", ONE, &d->before);
  set_selection(L, "after", OTHER, &d->after);
  return 1;
}

void pi__open_saved(lua_State *L) {
  static const luaL_Reg snapshot_methods[] = {
      {"loaded", snapshot_loaded}, {"filter", snapshot_filter}, {NULL, NULL}};
  static const luaL_Reg selection_methods[] = {
      {"save", selection_save}, {"diff", selection_diff}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"load", saved_load}, {"replace", file_replace}, {NULL, NULL}};
  luaL_getmetatable(L, PI__SNAPSHOT);
  luaL_setfuncs(L, snapshot_methods, 0);
  lua_pop(L, 1);
  luaL_getmetatable(L, PI__SELECTION);
  luaL_setfuncs(L, selection_methods, 0);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
