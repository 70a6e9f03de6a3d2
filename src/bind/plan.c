/* plan.c: what a reading for a filter would ask of the system, as a table. */
#include "bind.h"

/* [-0, +1, m] The words of a set of states. */
static void push_states(lua_State *L, unsigned states) {
  const char *const *words = pi_field_describe(PI_STATE)->words;
  lua_Integer n = 0;
  lua_newtable(L);
  for (int i = 0; words[i] != NULL; i++) {
    if (!(states >> i & 1)) continue;
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, ++n);
  }
}

/* [-0, +1, m] A list of {proto, family, states}. */
static void push_dumps(lua_State *L, const pi_plan *plan) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (int i = 0; i < PI_SOURCES; i++) {
    if (plan->states[i / 2] == 0 || !plan->families[i % 2]) continue;
    lua_createtable(L, 0, 3);
    pi__set_text(L, "proto", pi_field_describe(PI_PROTO)->words[i / 2]);
    pi__set_text(L, "family", pi_field_describe(PI_FAMILY)->words[i % 2]);
    push_states(L, plan->states[i / 2]);
    lua_setfield(L, -2, "states");
    lua_rawseti(L, -2, ++n);
  }
}

/* [-0, +1, m] A filter's text, nil if it has none. */
static void push_text(lua_State *L, const pi_filter *filter) {
  pi_error err = {0};
  pi__bytes *b = pi__bytes_box(L);
  int rc = pi_filter_write(filter, pi__bytes_add, b, &err);
  if (rc == PI_EINVAL)
    lua_pushnil(L);
  else
    pi__bytes_push(L, b, rc, &err);
  pi__bytes_free(b);
  lua_remove(L, -2);
}

/* [-0, +1, m] A list of {text, place, obstacle, why}. */
static void push_parts(lua_State *L, const pi_filter *filter) {
  static const char *const places[] = {"asked", "kernel", "both", "here"};
  pi_part part;
  lua_newtable(L);
  for (size_t i = 0; pi_plan_part(filter, i, &part); i++) {
    lua_createtable(L, 0, 4);
    push_text(L, part.filter);
    lua_setfield(L, -2, "text");
    pi__set_text(L, "place", places[part.place]);
    if (part.why != NULL) pi__set_text(L, "why", part.why);
    if (part.obstacle != NULL && part.obstacle != part.filter) {
      push_text(L, part.obstacle);
      lua_setfield(L, -2, "obstacle");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* plan(predicate) -> {dumps, pushed, parts, groups}: see pi_plan_read,
 * pi_plan_pushed (a predicate, or nil) and pi_plan_part. */
static int plan(lua_State *L) {
  const pi_filter *filter = pi__check_filter(L, 1);
  pi_plan read;
  pi_error err;
  lua_settop(L, 1);
  pi_filter **pushed = pi__push_predicate(L);
  if (pi_plan_pushed(filter, pushed, &err) != 0) {
    return luaL_error(L, "%s", err.text);
  }
  pi_plan_read(filter, &read);
  lua_createtable(L, 0, 4);
  push_dumps(L, &read);
  lua_setfield(L, -2, "dumps");
  if (*pushed != NULL) {
    push_text(L, *pushed);
    lua_setfield(L, -2, "pushed");
  }
  push_parts(L, filter);
  lua_setfield(L, -2, "parts");
  pi__push_groups(L, read.groups);
  lua_setfield(L, -2, "groups");
  return 1;
}

/* look{backend =, proc =} -> {by, pinned, files, processes, why}: see
 * pi_plan_look. */
static int look(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  pi_options options = pi__check_options(L, 1);
  pi_look l;
  pi_plan_look(&options, &l);
  lua_createtable(L, 0, 5);
  pi__set_text(L, "by", pi__backend_name(l.backend));
  pi__set_boolean(L, "pinned", l.pinned);
  if (l.files != 0) pi__set_integer(L, "files", (lua_Integer)l.files);
  if (l.processes != 0) {
    pi__set_integer(L, "processes", (lua_Integer)l.processes);
  }
  pi__set_text(L, "why", l.why);
  return 1;
}

void pi__open_plan(lua_State *L) {
  lua_pushcfunction(L, plan);
  lua_setfield(L, -2, "plan");
  lua_pushcfunction(L, look);
  lua_setfield(L, -2, "look");
}
