/* predicate.c: filters as values: built once, combined with & | ~. */
#include "bind.h"

#include <string.h>

pi_filter **pi__push_predicate(lua_State *L) {
  pi_filter **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;  // collectable from here on, whatever raises
  luaL_setmetatable(L, PI__PREDICATE);
  return box;
}

pi_filter *pi__check_filter(lua_State *L, int arg) {
  pi_filter **box = luaL_checkudata(L, arg, PI__PREDICATE);
  luaL_argcheck(L, *box != NULL, arg, "this predicate is gone");
  return *box;
}

static int predicate_gc(lua_State *L) {
  pi_filter **box = luaL_checkudata(L, 1, PI__PREDICATE);
  pi_filter_free(*box);
  *box = NULL;
  return 0;
}

/* predicate_parse(text) -> predicate; or nil, what is wrong, and which bytes
 * are meant: the first (from 1; 0: none) and how many. */
static int predicate_parse(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  pi_error err;
  pi_filter **box = pi__push_predicate(L);
  if (pi_filter_parse(text, length, box, &err) == 0) return 1;
  luaL_pushfail(L);
  lua_pushstring(L, err.text);
  lua_pushinteger(L, err.length > 0 ? (lua_Integer)err.at + 1 : 0);
  lua_pushinteger(L, (lua_Integer)err.length);
  return 4;
}

/* [-0, +0, v] */
static pi_field check_field(lua_State *L, int arg) {
  size_t length;
  const char *name = luaL_checklstring(L, arg, &length);
  int field = pi_field_find(name, length);
  luaL_argcheck(L, field >= 0, arg, "no such field");
  return (pi_field)field;
}

/* [-0, +0, v] One operand out of the value on top, which stays where it is: a
 * string, a number, or a table {first=, last=}. */
static pi_operand check_operand(lua_State *L) {
  pi_operand o;
  memset(&o, 0, sizeof o);
  if (lua_type(L, -1) == LUA_TSTRING) {
    o.kind = PI_OPERAND_TEXT;
    o.text = lua_tolstring(L, -1, &o.length);
    return o;
  }
  lua_Integer first, last;
  if (lua_istable(L, -1)) {
    lua_pushliteral(L, "first");  // raw: no metamethod may change the list
    lua_rawget(L, -2);
    lua_pushliteral(L, "last");
    lua_rawget(L, -3);
    first = lua_tointeger(L, -2);
    last = lua_tointeger(L, -1);
    lua_pop(L, 2);
    o.kind = PI_OPERAND_RANGE;
  } else {
    first = last = luaL_checkinteger(L, -1);
    o.kind = PI_OPERAND_NUMBER;
  }
  luaL_argcheck(L, first >= 0 && last >= 0, 2, "numbers are not negative");
  o.first = (uint64_t)first;
  o.last = (uint64_t)last;
  return o;
}

/* predicate_in(field, list) -> predicate, or nil and what is wrong. */
static int predicate_in(lua_State *L) {
  pi_field field = check_field(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, 2);
  luaL_argcheck(L, n <= 1000000, 2, "too many values");
  pi_operand *operands =
      lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *operands, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    operands[i] = check_operand(L);  // texts are borrowed from the list
    lua_pop(L, 1);
  }
  pi_error err;
  pi_filter **box = pi__push_predicate(L);
  if (pi_filter_in(field, operands, (size_t)n, box, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

/* predicate_has(field) -> predicate */
static int predicate_has(lua_State *L) {
  pi_field field = check_field(L, 1);
  pi_error err;
  pi_filter **box = pi__push_predicate(L);
  if (pi_filter_has(field, box, &err) != 0)
    return luaL_error(L, "%s", err.text);
  return 1;
}

/* ---- Combinations ------------------------------------------------------- */

typedef int (*combine)(pi_filter *a, pi_filter *b, pi_filter **ret,
                       pi_error *err);

/* A predicate stays usable after it was combined, so copies go in. */
static int combine_both(lua_State *L, combine how) {
  const pi_filter *a = pi__check_filter(L, 1), *b = pi__check_filter(L, 2);
  pi_filter **box = pi__push_predicate(L);
  pi_filter *x = NULL, *y = NULL;
  pi_error err = {0};
  int rc = pi_filter_copy(a, &x, &err);
  if (rc == 0) rc = pi_filter_copy(b, &y, &err);
  int combined = how(x, y, box, &err);
  if (rc != 0 || combined != 0) return luaL_error(L, "%s", err.text);
  return 1;
}

static int predicate_and(lua_State *L) {
  return combine_both(L, pi_filter_and);
}

static int predicate_or(lua_State *L) {
  return combine_both(L, pi_filter_or);
}

static int predicate_not(lua_State *L) {
  const pi_filter *a = pi__check_filter(L, 1);
  pi_filter **box = pi__push_predicate(L);
  pi_filter *x = NULL;
  pi_error err = {0};
  int rc = pi_filter_copy(a, &x, &err);
  if (rc == 0) rc = pi_filter_not(x, box, &err);
  if (rc != 0) return luaL_error(L, "%s", err.text);
  return 1;
}

/* groups(predicate) -> list of the groups that it tests. */
static int predicate_groups(lua_State *L) {
  pi__push_groups(L, pi_filter_groups(pi__check_filter(L, 1)));
  return 1;
}

/* predicate:test(row) -> true, false, or nil for unknown. Reads what it needs.
 */
static int predicate_test(lua_State *L) {
  const pi_filter *filter = pi__check_filter(L, 1);
  pi_snapshot *s;
  pi_error err;
  size_t row = pi__check_row(L, 2, &s);
  if (pi_snapshot_complete(s, pi_filter_groups(filter), &err) != 0) {
    return luaL_error(L, "%s", err.text);
  }
  pi_truth truth = pi_filter_test(filter, s, row);
  if (truth == PI_UNDECIDED)
    lua_pushnil(L);
  else
    lua_pushboolean(L, truth == PI_TRUE);
  return 1;
}

/* predicate:text() -> the filter in its own language, or nil and why not */
static int predicate_text(lua_State *L) {
  const pi_filter *filter = pi__check_filter(L, 1);
  pi_error err = {0};
  pi__bytes *b = pi__bytes_new(L);
  int rc = pi_filter_write(filter, pi__bytes_add, b, &err);
  return pi__bytes_push(L, b, rc, &err);
}

void pi__open_predicate(lua_State *L) {
  static const luaL_Reg meta[] = {
      {"__gc", predicate_gc},
      {"__band", predicate_and},
      {"__bor", predicate_or},
      {"__bnot", predicate_not},
      {NULL, NULL},
  };
  static const luaL_Reg methods[] = {
      {"groups", predicate_groups},
      {"text", predicate_text},
      {"test", predicate_test},
      {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"predicate_parse", predicate_parse},
      {"predicate_in", predicate_in},
      {"predicate_has", predicate_has},
      {NULL, NULL},
  };
  luaL_newmetatable(L, PI__PREDICATE);
  luaL_setfuncs(L, meta, 0);
  // apart from the metatable, which nobody who has a predicate may get at
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index"); /* meta.__index = {groups=, text=, test=} */
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
