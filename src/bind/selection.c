/* selection.c: the rows that a filter picked, one by one or as bytes. A
 * selection keeps its reading alive in a user value. */
#include "bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct selection {
  pi_selection *rows;
} selection;

pi_selection *pi__check_selection(lua_State *L, int arg,
                                  pi_snapshot **snapshot) {
  selection *sel = luaL_checkudata(L, arg, PI__SELECTION);
  luaL_argcheck(L, sel->rows != NULL, arg, "this selection is gone");
  lua_getiuservalue(L, arg, 1);
  *snapshot = pi__check_snapshot(L, -1);
  return sel->rows;
}

pi_selection **pi__new_selection(lua_State *L, int box) {
  selection *sel = lua_newuserdatauv(L, sizeof *sel, 1);
  sel->rows = NULL;
  luaL_setmetatable(L, PI__SELECTION);
  lua_pushvalue(L, box);
  lua_setiuservalue(L, -2, 1);
  return &sel->rows;
}

static int selection_gc(lua_State *L) {
  selection *sel = luaL_checkudata(L, 1, PI__SELECTION);
  pi_selection_free(sel->rows);
  sel->rows = NULL;
  return 0;
}

/* snapshot:pick([predicate]) -> selection, or nil, message, errno. */
static int snapshot_pick(lua_State *L) {
  pi_snapshot *s = pi__check_snapshot(L, 1);
  const pi_filter *filter =
      lua_isnoneornil(L, 2) ? NULL : pi__check_filter(L, 2);
  pi_error err;
  pi_selection **rows = pi__new_selection(L, 1);
  if (pi_snapshot_select(s, filter, rows, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

static int selection_len(lua_State *L) {
  pi_snapshot *s;
  const pi_selection *rows = pi__check_selection(L, 1, &s);
  lua_pushinteger(L, (lua_Integer)pi_selection_count(rows));
  return 1;
}

/* selection:undecided() -> how many rows the filter could not decide */
static int selection_undecided(lua_State *L) {
  pi_snapshot *s;
  const pi_selection *rows = pi__check_selection(L, 1, &s);
  lua_pushinteger(L, (lua_Integer)pi_selection_undecided_count(rows));
  return 1;
}

/* selection:row(i) -> the i-th row (from 1), or nil past the end */
static int selection_row(lua_State *L) {
  pi_snapshot *s;
  lua_Integer i = luaL_checkinteger(L, 2);
  const pi_selection *rows = pi__check_selection(L, 1, &s);
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
  const pi_selection *rows = pi__check_selection(L, 1, &s);
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
  pi_selection *rows = pi__check_selection(L, 1, &s);
  if (pi_selection_sort(s, rows, &err) != 0) return pi__push_refusal(L, &err);
  lua_settop(L, 1);
  return 1;
}

/* [-0, +0, v] The number of items of the list at `arg`, at most `most`. */
static size_t check_list(lua_State *L, int arg, size_t most) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, arg);
  luaL_argcheck(L, n >= 1 && n <= most, arg, "an empty list, or too long");
  return (size_t)n;
}

/* selection:sort_by{"lport", "-rxq", "count"...} -> the selection */
static int selection_sort_by(lua_State *L) {
  pi_order keys[PI_FIELD_COUNT + 1];
  pi_snapshot *s;
  pi_error err;
  size_t n = check_list(L, 2, PI_FIELD_COUNT + 1);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    const char *name = luaL_checkstring(L, -1);
    keys[i].down = *name == '-';
    name += keys[i].down;
    keys[i].field = pi_field_find(name, strlen(name));
    luaL_argcheck(L, keys[i].field >= 0 || strcmp(name, "count") == 0, 2,
                  "no such field");
    lua_pop(L, 1);
  }
  pi_selection *rows = pi__check_selection(L, 1, &s);
  if (pi_selection_sort_by(s, rows, keys, n, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  lua_settop(L, 1);
  return 1;
}

/* selection:limit(n) -> the selection, of n rows at most */
static int selection_limit(lua_State *L) {
  pi_snapshot *s;
  lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most >= 0, 2, "less than none");
  pi_selection_limit(pi__check_selection(L, 1, &s), (size_t)most);
  lua_settop(L, 1);
  return 1;
}

/* selection:turn() -> the selection, with the undecided rows selected */
static int selection_turn(lua_State *L) {
  pi_snapshot *s;
  pi_selection_turn(pi__check_selection(L, 1, &s));
  lua_settop(L, 1);
  return 1;
}

/* selection:unknown_owners() -> {reason = how many of the rows}; empty if
 * nobody looked for owners */
static int selection_unknown_owners(lua_State *L) {
  pi_snapshot *s;
  const pi_selection *rows = pi__check_selection(L, 1, &s);
  const char *const *words = pi_field_describe(PI_WHY)->words;
  lua_Integer counts[16] = {0};
  bool looked = (pi_snapshot_groups(s) & PI_GROUP_OWNER) != 0;
  for (size_t i = 0; looked && i < pi_selection_count(rows); i++) {
    size_t row = pi_selection_at(rows, i);
    if (pi_snapshot_value(s, row, PI_OWNER, 0).number != PI_OWNER_UNKNOWN) {
      continue;
    }
    pi_value why = pi_snapshot_value(s, row, PI_WHY, 0);
    if (why.sight == PI_KNOWN) counts[why.number % 16]++;
  }
  lua_newtable(L);
  for (int i = 0; words[i] != NULL; i++) {
    if (counts[i] != 0) pi__set_integer(L, words[i], counts[i]);
  }
  return 1;
}

/* ---- Tests in Lua ------------------------------------------------------- */

/* [-0, +0, e] What the function at 2 says of a row of the reading at `box`:
 * nothing is no, nil is unknown. */
static pi_truth call_test(lua_State *L, int box, size_t row) {
  int top = lua_gettop(L);
  lua_pushvalue(L, 2);
  pi__push_row(L, box, row);
  lua_call(L, 1, LUA_MULTRET);
  pi_truth truth = PI_FALSE;
  if (lua_gettop(L) > top) {
    bool unknown = lua_isnil(L, top + 1);
    bool yes = lua_toboolean(L, top + 1);
    truth = unknown ? PI_UNDECIDED : yes ? PI_TRUE : PI_FALSE;
  }
  lua_settop(L, top);
  return truth;
}

/* selection:sift(test) -> the selection, of rows for which test(row) is true as
 * well. Its errors are the caller's. */
static int selection_sift(lua_State *L) {
  pi_snapshot *s;
  pi_error err;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  pi_selection *rows = pi__check_selection(L, 1, &s);
  int box = lua_gettop(L);
  size_t n = pi_selection_count(rows);
  size_t undecided = pi_selection_undecided_count(rows);
  uint8_t *truths = lua_newuserdatauv(L, n + undecided + 1, 0);
  for (size_t i = 0; i < n; i++) {
    truths[i] = (uint8_t)call_test(L, box, pi_selection_at(rows, i));
  }
  for (size_t i = 0; i < undecided; i++) {
    size_t row = pi_selection_undecided_at(rows, i);
    truths[n + i] = (uint8_t)call_test(L, box, row);
  }
  if (pi_selection_narrow(rows, truths, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  lua_settop(L, 1);
  return 1;
}

/* selection:snapshot() -> its reading */
static int selection_snapshot(lua_State *L) {
  pi_snapshot *s;
  pi__check_selection(L, 1, &s);
  return 1;
}

/* ---- Tallies ------------------------------------------------------------ */

size_t pi__check_fields(lua_State *L, int arg, pi_field *fields) {
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

typedef int (*tally_fn)(const pi_snapshot *s, pi_selection *rows,
                        const pi_field *fields, size_t n, pi_error *err);

static int tally_rows(lua_State *L, tally_fn tally) {
  pi_snapshot *s;
  pi_error err;
  pi_field fields[PI_FIELD_COUNT];
  size_t n = pi__check_fields(L, 2, fields);
  pi_selection *rows = pi__check_selection(L, 1, &s);
  if (tally(s, rows, fields, n, &err) != 0) return pi__push_refusal(L, &err);
  lua_settop(L, 1);
  return 1;
}

/* selection:distinct(fields) -> the selection, with one row for each of their
 * values; selection:tally(fields) also counts */
static int selection_distinct(lua_State *L) {
  return tally_rows(L, pi_selection_distinct);
}

static int selection_tally(lua_State *L) {
  return tally_rows(L, pi_selection_tally);
}

/* selection:tally_at(i) -> how many rows the i-th stands for */
static int selection_tally_at(lua_State *L) {
  pi_snapshot *s;
  lua_Integer i = luaL_checkinteger(L, 2);
  const pi_selection *rows = pi__check_selection(L, 1, &s);
  luaL_argcheck(L, i >= 1 && (lua_Unsigned)i <= pi_selection_count(rows), 2,
                "no such row");
  lua_pushinteger(L, (lua_Integer)pi_selection_tally_at(rows, (size_t)i - 1));
  return 1;
}

void pi__open_selection(lua_State *L) {
  static const luaL_Reg selection_methods[] = {
      {"__gc", selection_gc},
      {"__len", selection_len},
      {"undecided", selection_undecided},
      {"row", selection_row},
      {"undecided_row", selection_undecided_row},
      {"sort", selection_sort},
      {"sort_by", selection_sort_by},
      {"limit", selection_limit},
      {"turn", selection_turn},
      {"unknown_owners", selection_unknown_owners},
      {"sift", selection_sift},
      {"distinct", selection_distinct},
      {"tally", selection_tally},
      {"tally_at", selection_tally_at},
      {"snapshot", selection_snapshot},
      {NULL, NULL},
  };
  pi__make_class(L, PI__SELECTION, selection_methods);
  luaL_getmetatable(L, PI__SNAPSHOT);
  lua_pushcfunction(L, snapshot_pick);
  lua_setfield(L, -2, "pick"); /* a method of readings */
  lua_pop(L, 1);
}
