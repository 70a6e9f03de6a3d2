/* push.c: plain values of the library as Lua values. */
#include "bind.h"

#include <string.h>

int pi__push_refusal(lua_State *L, const pi_error *err) {
  luaL_pushfail(L);
  lua_pushstring(L, err->text);
  if (err->os != 0)
    lua_pushinteger(L, err->os);
  else
    luaL_pushfail(L);
  return 3;
}

void pi__set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void pi__set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

void pi__set_text(lua_State *L, const char *name, const char *text) {
  if (text[0] == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

void pi__push_groups(lua_State *L, unsigned groups) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (unsigned group = 1; group <= PI_GROUPS; group <<= 1) {
    if (!(groups & group)) continue;
    lua_pushstring(L, pi_group_name(group));
    lua_rawseti(L, -2, ++n);
  }
}

void pi__make_class(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index"); /* meta.__index = meta */
  lua_pop(L, 1);
}

/* ---- The host and the quality, as tables -------------------------------- */

void pi__push_host(lua_State *L, const pi_host *host) {
  lua_createtable(L, 0, 6);
  if (host->ephemeral_known) {
    pi__set_integer(L, "ephemeral_first", host->ephemeral_first);
    pi__set_integer(L, "ephemeral_last", host->ephemeral_last);
  }
  if (host->unprivileged_known) {
    pi__set_integer(L, "unprivileged_start", host->unprivileged_start);
  }
  if (host->netns != 0) {
    pi__set_integer(L, "netns", (lua_Integer)host->netns);
  }
  if (!host->reserved_known) return;
  lua_Integer n = 0;
  lua_newtable(L);
  for (unsigned port = 0; port <= 65535; port++) {
    if (host->reserved[port / 8] == 0) port |= 7;  // nothing in this byte
    if (!pi_host_reserves(host, (uint16_t)port)) continue;
    lua_pushinteger(L, port);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "reserved");
}

const char *pi__backend_name(pi_backend backend) {
  static const char *const names[] = {"auto", "netlink", "proc", "none", "bpf"};
  return names[backend];
}

/* [-0, +1, m] */
static void push_source(lua_State *L, const pi_quality *q, int proto,
                        int family) {
  const struct pi_source *source = &q->sources[proto][family];
  lua_createtable(L, 0, 10);
  pi__set_text(L, "proto", pi_field_describe(PI_PROTO)->words[proto]);
  pi__set_text(L, "family", pi_field_describe(PI_FAMILY)->words[family]);
  pi__set_text(L, "backend", pi__backend_name(source->backend));
  pi__set_integer(L, "rows", (lua_Integer)source->rows);
  pi__set_integer(L, "retries", source->retries);
  pi__set_integer(L, "parts", source->parts);
  pi__set_boolean(L, "partial", source->partial);
  pi__set_boolean(L, "absent", source->absent);
  pi__set_boolean(L, "untold", source->untold);
  pi__set_boolean(L, "no_bound", source->no_bound);
  pi__set_boolean(L, "joint", source->joint);
  pi__set_boolean(L, "autobound", source->autobound);
  if (source->os == 0) return;
  pi__set_integer(L, "errno", source->os);
  pi__set_text(L, "error", strerror(source->os));
}

/* [-0, +0, m] What was looked at for owners. */
static void set_sight(lua_State *L, const pi_quality *q) {
  pi__set_integer(L, "processes", (lua_Integer)q->processes);
  pi__set_integer(L, "unreadable", (lua_Integer)q->unreadable);
  pi__set_integer(L, "vanished", (lua_Integer)q->vanished);
  pi__set_integer(L, "recalls", (lua_Integer)q->recalls);
  pi__set_boolean(L, "hidden", q->hidden);
  pi__set_boolean(L, "nested", q->nested);
  pi__set_boolean(L, "owners_unseen", q->owners_unseen);
  if (q->owners_os != 0) {
    pi__set_integer(L, "owners_errno", q->owners_os);
    pi__set_text(L, "owners_error", strerror(q->owners_os));
  }
  pi__set_boolean(L, "pinned", q->pinned);
  pi__set_text(L, "obstacle", q->obstacle);
  if (q->owners_by == PI_BACKEND_AUTO) return;
  pi__set_text(L, "owners_by", pi__backend_name(q->owners_by));
}

void pi__push_quality(lua_State *L, const pi_quality *q, unsigned groups) {
  lua_createtable(L, 0, 16);
  lua_newtable(L);
  for (int i = 0, n = 0; i < PI_SOURCES; i++) {
    if (!q->sources[i / 2][i % 2].wanted) continue;
    push_source(L, q, i / 2, i % 2);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "sources");
  lua_newtable(L);
  for (int i = 0; i < 9; i++) {
    if (q->unknown[i] == 0) continue;
    pi__set_integer(L, pi_field_describe(PI_WHY)->words[i],
                    (lua_Integer)q->unknown[i]);
  }
  lua_setfield(L, -2, "unknown");
  pi__set_integer(L, "namespaces", (lua_Integer)q->namespaces);
  pi__set_integer(L, "closed", (lua_Integer)q->closed);
  pi__set_integer(L, "outside", (lua_Integer)q->outside);
  pi__set_boolean(L, "unlisted", q->unlisted);
  pi__set_integer(L, "untold", (lua_Integer)q->untold);
  if (groups & PI_GROUP_OWNER) set_sight(L, q);
  pi__set_integer(L, "socket_us", (lua_Integer)q->socket_us);
  pi__set_integer(L, "derived_us", (lua_Integer)q->derived_us);
  pi__set_integer(L, "tcp_info_us", (lua_Integer)q->tcp_info_us);
  pi__set_integer(L, "owner_us", (lua_Integer)q->owner_us);
  pi__set_integer(L, "process_us", (lua_Integer)q->process_us);
  pi__set_integer(L, "taken", q->taken);
  if (q->completed != 0) pi__set_integer(L, "completed", q->completed);
}
