/* row.c: a row is a number and its reading, in a user value; its fields are
 * read when they are asked for. */
#include "bind.h"

#include <string.h>

typedef struct row {
  size_t number;
} row;

void pi__push_row(lua_State *L, int box, size_t number) {
  row *r = lua_newuserdatauv(L, sizeof *r, 1);
  r->number = number;
  lua_pushvalue(L, box);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, PI__ROW);
}

size_t pi__check_row(lua_State *L, int arg, pi_snapshot **snapshot) {
  const row *r = luaL_checkudata(L, arg, PI__ROW);
  lua_getiuservalue(L, arg, 1);
  *snapshot = pi__own_snapshot(L, -1);
  return r->number;
}

/* The same for what is called all the time: upvalue 2 is the class of rows, and
 * a name need not be looked for. */
static size_t check_own_row(lua_State *L, pi_snapshot **snapshot) {
  const row *r = lua_touserdata(L, 1);
  if (r == NULL || !lua_getmetatable(L, 1) ||
      !lua_rawequal(L, -1, lua_upvalueindex(2))) {
    luaL_checkudata(L, 1, PI__ROW);
  }
  lua_getiuservalue(L, 1, 1);
  *snapshot = pi__own_snapshot(L, -1);
  return r->number;
}

/* ---- Values ------------------------------------------------------------- */

/* [-0, +1, m] */
static void push_holders(lua_State *L, const pi_snapshot *s, size_t number) {
  pi_holder h;
  lua_newtable(L);
  for (unsigned i = 0; pi_snapshot_holder(s, number, i, &h); i++) {
    lua_createtable(L, 0, 4);
    pi__set_integer(L, "pid", h.pid);
    pi__set_integer(L, "fd", h.fd);
    lua_pushlstring(L, h.process, h.length);
    lua_setfield(L, -2, "process");
    pi_value user = pi_snapshot_value(s, number, PI_USER, i);
    if (user.sight == PI_KNOWN) {
      lua_pushlstring(L, user.text, user.length);
      lua_setfield(L, -2, "user"); /* where processes were read */
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* [-0, +1, m] All members of a field that has several, from the first on. Most
 * have one. */
static void push_members(lua_State *L, const pi_snapshot *s, size_t number,
                         pi_field field, pi_value v) {
  lua_createtable(L, 1, 0);
  for (unsigned i = 1; v.sight == PI_KNOWN; i++) {
    lua_pushlstring(L, v.text, v.length);
    lua_rawseti(L, -2, (lua_Integer)i);
    v = pi_snapshot_value(s, number, field, i);
  }
}

/* [-0, +1, m] */
static void push_address(lua_State *L, const pi_address *address) {
  char text[PI_ADDRESS_TEXT];
  lua_pushlstring(L, text, pi_address_format(address, text));
}

/* [-0, +1, m] A field's value of a row: nil unknown, false empty. */
static void push_value(lua_State *L, const pi_snapshot *s, size_t number,
                       pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  pi_value v = pi_snapshot_value(s, number, field, 0);
  if (v.sight == PI_UNKNOWN) {
    lua_pushnil(L);
    return;
  }
  if (v.sight == PI_EMPTY) {
    lua_pushboolean(L, 0);
    return;
  }
  if (info->several && info->group == PI_GROUP_DERIVED) {
    push_members(L, s, number, field, v);
    return;
  }
  switch (v.type) {
  case PI_TYPE_ADDRESS: push_address(L, &v.address); break;
  case PI_TYPE_WORD:
  case PI_TYPE_TEXT: lua_pushlstring(L, v.text, v.length); break;
  case PI_TYPE_BOOL: lua_pushboolean(L, v.number != 0); break;
  case PI_TYPE_HOLDERS: push_holders(L, s, number); break;
  default: lua_pushinteger(L, (lua_Integer)v.number); break;
  }
}

/* ---- Fields ------------------------------------------------------------- */

static int fail_field(lua_State *L) {
  const char *names[PI_FIELD_COUNT];
  size_t length;
  if (lua_type(L, 2) != LUA_TSTRING) {
    return luaL_error(L, "a row's fields have names, not a %s",
                      luaL_typename(L, 2));
  }
  const char *name = lua_tolstring(L, 2, &length);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    names[f] = pi_field_describe((pi_field)f)->name;
  }
  const char *near = pi_nearest(name, length, names, PI_FIELD_COUNT);
  if (near == NULL) return luaL_error(L, "a row has no field '%s'", name);
  return luaL_error(L, "a row has no field '%s': did you mean '%s'?", name,
                    near);
}

/* row.field; upvalue 1 maps names to fields, 2 is the class of rows. */
static int row_index(lua_State *L) {
  pi_snapshot *s;
  pi_error err;
  lua_settop(L, 2);
  size_t number = check_own_row(L, &s);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER) return fail_field(L);
  pi_field field = (pi_field)lua_tointeger(L, -1);
  unsigned group = pi_field_describe(field)->group;
  if (pi_snapshot_complete(s, group, &err) != 0) {
    return luaL_error(L, "%s: %s", pi_field_describe(field)->name, err.text);
  }
  push_value(L, s, number, field);
  return 1;
}

static int row_newindex(lua_State *L) {
  return luaL_error(L, "a row cannot be changed");
}

/* The next field of a group that was read: name, value. */
static int row_next(lua_State *L) {
  pi_snapshot *s;
  int field = 0;
  lua_settop(L, 2);
  size_t number = pi__check_row(L, 1, &s);
  if (!lua_isnil(L, 2)) {
    size_t length;
    const char *name = luaL_checklstring(L, 2, &length);
    field = pi_field_find(name, length) + 1;
    luaL_argcheck(L, field > 0, 2, "no such field");
  }
  unsigned groups = pi_snapshot_groups(s);
  for (; field < PI_FIELD_COUNT; field++) {
    const pi_field_info *info = pi_field_describe((pi_field)field);
    if (!(groups & info->group)) continue;
    lua_pushstring(L, info->name);
    push_value(L, s, number, (pi_field)field);
    return 2;
  }
  return 0;
}

static int row_pairs(lua_State *L) {
  luaL_checkudata(L, 1, PI__ROW);
  lua_pushcfunction(L, row_next);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int row_eq(lua_State *L) {
  const row *a = luaL_testudata(L, 1, PI__ROW);
  const row *b = luaL_testudata(L, 2, PI__ROW);
  if (a == NULL || b == NULL || a->number != b->number) return 0;
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, 2, 1);
  lua_pushboolean(L, lua_rawequal(L, -1, -2));
  return 1;
}

/* ---- One line ----------------------------------------------------------- */

/* [-0, +1, m] Text with everything but plain ASCII as \xHH. */
static void push_plain(lua_State *L, const char *text, size_t length) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c >= ' ' && c < 0x7f) {
      luaL_addchar(&b, (char)c);
      continue;
    }
    luaL_addstring(&b, "\\x");
    luaL_addchar(&b, "0123456789abcdef"[c >> 4]);
    luaL_addchar(&b, "0123456789abcdef"[c & 15]);
  }
  luaL_pushresult(&b);
}

/* [-0, +1, m] ADDRESS:PORT, an IPv6 address in brackets. */
static void push_endpoint(lua_State *L, const pi_snapshot *s, size_t number,
                          pi_field address, pi_field port) {
  pi_value a = pi_snapshot_value(s, number, address, 0);
  pi_value p = pi_snapshot_value(s, number, port, 0);
  char text[PI_ADDRESS_TEXT];
  pi_address_format(&a.address, text);
  bool v4 = pi_address_is_v4(&a.address);
  if (p.sight == PI_EMPTY) {
    lua_pushstring(L, text); /* of a raw socket */
    return;
  }
  lua_pushfstring(L, v4 ? "%s:%d" : "[%s]:%d", text, (int)p.number);
}

/* tcp 127.0.0.1:22 listen sshd (pid 812) */
static int row_tostring(lua_State *L) {
  const row *r = luaL_checkudata(L, 1, PI__ROW);
  lua_getiuservalue(L, 1, 1);
  if (lua_rawlen(L, -1) == 0 || *(void **)lua_touserdata(L, -1) == NULL) {
    lua_pushliteral(L, "row of a closed reading");
    return 1;
  }
  pi_snapshot *s = pi__check_snapshot(L, -1);
  pi_holder main;
  int base = lua_gettop(L);
  pi_value proto = pi_snapshot_value(s, r->number, PI_PROTO, 0);
  pi_value state = pi_snapshot_value(s, r->number, PI_STATE, 0);
  lua_pushfstring(L, "%s ", proto.text);
  push_endpoint(L, s, r->number, PI_LADDR, PI_LPORT);
  if (pi_snapshot_value(s, r->number, PI_RADDR, 0).sight == PI_KNOWN) {
    lua_pushliteral(L, " -> ");
    push_endpoint(L, s, r->number, PI_RADDR, PI_RPORT);
  }
  lua_pushfstring(L, " %s", state.text);
  if (pi_snapshot_holder(s, r->number, 0, &main)) {
    lua_pushliteral(L, " ");
    push_plain(L, main.process, main.length);
    lua_pushfstring(L, " (pid %d)", (int)main.pid);
  }
  lua_concat(L, lua_gettop(L) - base);
  return 1;
}

/* row_namespace(row) -> what its network namespace is called, or its number;
 * nil where its reading is of one alone */
static int core_row_namespace(lua_State *L) {
  pi_snapshot *s;
  size_t number = pi__check_row(L, 1, &s);
  if (pi_snapshot_quality(s)->namespaces <= 1) return 0;
  push_value(L, s, number, PI_NETNS_NAME);
  if (lua_type(L, -1) == LUA_TSTRING) return 1;
  push_value(L, s, number, PI_NETNS);
  if (!lua_isnil(L, -1)) luaL_tolstring(L, -1, NULL);
  return 1;
}

void pi__open_row(lua_State *L) {
  static const luaL_Reg meta[] = {
      {"__newindex", row_newindex}, {"__pairs", row_pairs}, {"__eq", row_eq},
      {"__tostring", row_tostring}, {NULL, NULL},
  };
  luaL_newmetatable(L, PI__ROW);
  luaL_setfuncs(L, meta, 0);
  lua_createtable(L, 0, PI_FIELD_COUNT);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    lua_pushinteger(L, f);
    lua_setfield(L, -2, pi_field_describe((pi_field)f)->name);
  }
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, row_index, 2);
  lua_setfield(L, -2, "__index"); /* meta.__index = row_index */
  lua_pop(L, 1);
  lua_pushcfunction(L, core_row_namespace);
  lua_setfield(L, -2, "row_namespace");
}
