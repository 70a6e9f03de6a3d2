/* selection.c: the rows that a filter picked, one by one or as bytes. A
 * selection keeps its reading alive in a user value. */
#include "bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct selection {
  pi_selection *rows;
} selection;

/* [-0, +1, v] The selection at `arg`; pushes its reading, which must be
 * open. */
static pi_selection *check_selection(lua_State *L, int arg,
                                     pi_snapshot **snapshot) {
  selection *sel = luaL_checkudata(L, arg, PI__SELECTION);
  luaL_argcheck(L, sel->rows != NULL, arg, "this selection is gone");
  lua_getiuservalue(L, arg, 1);
  *snapshot = pi__check_snapshot(L, -1);
  return sel->rows;
}

static int selection_gc(lua_State *L) {
  selection *sel = luaL_checkudata(L, 1, PI__SELECTION);
  pi_selection_free(sel->rows);
  sel->rows = NULL;
  return 0;
}

/* snapshot:select([predicate]) -> selection, or nil, message, errno. */
static int snapshot_select(lua_State *L) {
  pi_snapshot *s = pi__check_snapshot(L, 1);
  const pi_filter *filter =
      lua_isnoneornil(L, 2) ? NULL : pi__check_filter(L, 2);
  pi_error err;
  selection *sel = lua_newuserdatauv(L, sizeof *sel, 1);
  sel->rows = NULL;
  luaL_setmetatable(L, PI__SELECTION);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (pi_snapshot_select(s, filter, &sel->rows, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

static int selection_len(lua_State *L) {
  pi_snapshot *s;
  const pi_selection *rows = check_selection(L, 1, &s);
  lua_pushinteger(L, (lua_Integer)pi_selection_count(rows));
  return 1;
}

/* selection:undecided() -> how many rows the filter could not decide */
static int selection_undecided(lua_State *L) {
  pi_snapshot *s;
  const pi_selection *rows = check_selection(L, 1, &s);
  lua_pushinteger(L, (lua_Integer)pi_selection_undecided_count(rows));
  return 1;
}

/* selection:row(i) -> the i-th row (from 1), or nil past the end */
static int selection_row(lua_State *L) {
  pi_snapshot *s;
  lua_Integer i = luaL_checkinteger(L, 2);
  const pi_selection *rows = check_selection(L, 1, &s);
  if (i < 1 || (lua_Unsigned)i > pi_selection_count(rows)) {
    luaL_pushfail(L);
  } else {
    pi__push_row(L, lua_gettop(L), pi_selection_at(rows, (size_t)i - 1));
  }
  return 1;
}

/* selection:undecided_row(i) -> the i-th undecided row, or nil past the end */
static int selection_undecided_row(lua_State *L) {
  pi_snapshot *s;
  lua_Integer i = luaL_checkinteger(L, 2);
  const pi_selection *rows = check_selection(L, 1, &s);
  if (i < 1 || (lua_Unsigned)i > pi_selection_undecided_count(rows)) {
    luaL_pushfail(L);
  } else {
    pi__push_row(L, lua_gettop(L),
                 pi_selection_undecided_at(rows, (size_t)i - 1));
  }
  return 1;
}

/* selection:sort() -> the selection, in the order that people read */
static int selection_sort(lua_State *L) {
  pi_snapshot *s;
  pi_error err;
  pi_selection *rows = check_selection(L, 1, &s);
  if (pi_selection_sort(s, rows, &err) != 0) return pi__push_refusal(L, &err);
  lua_settop(L, 1);
  return 1;
}

/* selection:snapshot() -> its reading */
static int selection_snapshot(lua_State *L) {
  pi_snapshot *s;
  check_selection(L, 1, &s);
  return 1;
}

/* ---- Bulk output -------------------------------------------------------- */

static pi_format check_format(lua_State *L, int arg) {
  static const char *const names[] = {"tsv", "csv", "json", "ndjson", NULL};
  return (pi_format)luaL_checkoption(L, arg, NULL, names);
}

/* [-0, +0, v] The fields named in the list at `arg`, PI_FIELD_COUNT at most;
 * how many. */
static size_t check_fields(lua_State *L, int arg, pi_field *fields) {
  size_t n = 0;
  luaL_checktype(L, arg, LUA_TTABLE);
  for (lua_Integer i = 1; lua_rawgeti(L, arg, i) != LUA_TNIL; i++) {
    size_t length;
    const char *name = luaL_checklstring(L, -1, &length);
    int field = pi_field_find(name, length);
    if (field < 0) luaL_error(L, "no such field: %s", name);
    if (n < PI_FIELD_COUNT) fields[n++] = (pi_field)field;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return n;
}

/* Completes what the fields need, if there is a row that needs it. */
static int read_fields(pi_snapshot *s, const pi_selection *rows,
                       const pi_field *fields, size_t n, pi_error *err) {
  unsigned groups = 0;
  if (pi_selection_count(rows) == 0) return 0;
  for (size_t i = 0; i < n; i++) groups |= pi_field_describe(fields[i])->group;
  return pi_snapshot_complete(s, groups, err);
}

static int write_file(void *arg, const char *bytes, size_t length) {
  return fwrite(bytes, 1, length, arg) == length ? 0 : errno != 0 ? errno : EIO;
}

/* selection:write(file, format, fields) -> true, or nil, message, errno. */
static int selection_write(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 2, LUA_FILEHANDLE);
  pi_format format = check_format(L, 3);
  pi_field fields[PI_FIELD_COUNT];
  size_t n = check_fields(L, 4, fields);
  luaL_argcheck(L, stream->closef != NULL, 2, "the file is closed");
  pi_snapshot *s;
  pi_error err = {0};
  const pi_selection *rows = check_selection(L, 1, &s);
  int rc = read_fields(s, rows, fields, n, &err);
  errno = 0;
  if (rc == 0) {
    rc = pi_emit(s, rows, format, fields, n, write_file, stream->f, &err);
  }
  if (rc == 0 && fflush(stream->f) != 0) rc = errno;
  if (rc < 0) return pi__push_refusal(L, &err);
  if (rc > 0) {
    errno = rc;
    return luaL_fileresult(L, 0, NULL);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* selection:text(format, fields) -> string, or nil, message, errno. */
static int selection_text(lua_State *L) {
  pi_format format = check_format(L, 2);
  pi_field fields[PI_FIELD_COUNT];
  size_t n = check_fields(L, 3, fields);
  pi_snapshot *s;
  pi_error err = {0};
  const pi_selection *rows = check_selection(L, 1, &s);
  if (read_fields(s, rows, fields, n, &err) != 0)
    return pi__push_refusal(L, &err);
  pi__bytes *b = pi__bytes_new(L);
  int rc = pi_emit(s, rows, format, fields, n, pi__bytes_add, b, &err);
  return pi__bytes_push(L, b, rc, &err);
}

void pi__open_selection(lua_State *L) {
  static const luaL_Reg selection_methods[] = {
      {"__gc", selection_gc},
      {"__len", selection_len},
      {"undecided", selection_undecided},
      {"row", selection_row},
      {"undecided_row", selection_undecided_row},
      {"sort", selection_sort},
      {"snapshot", selection_snapshot},
      {"write", selection_write},
      {"text", selection_text},
      {NULL, NULL},
  };
  pi__make_class(L, PI__SELECTION, selection_methods);
  luaL_getmetatable(L, PI__SNAPSHOT);
  lua_pushcfunction(L, snapshot_select);
  lua_setfield(L, -2, "select"); /* a method of readings */
  lua_pop(L, 1);
}
