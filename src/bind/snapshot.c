/* snapshot.c: readings as userdata, to be closed by hand, by scope or by the
 * collector. */
#include "bind.h"

#include <string.h>

/* User values of a reading. */
enum { PROC_ANCHOR = 1, NETNS_ANCHOR, SNAPSHOT_VALUES = NETNS_ANCHOR };

typedef struct reading {
  pi_snapshot *snapshot; /* NULL: closed */
} reading;

/* ---- Interruption ------------------------------------------------------- */

static const char interrupt_key;

typedef bool (*interrupted_fn)(void);

void pi_bind_interrupt(lua_State *L, interrupted_fn interrupted) {
  interrupted_fn *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = interrupted;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &interrupt_key);
}

interrupted_fn pi__get_interrupt(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupt_key);
  interrupted_fn *box = lua_touserdata(L, -1);
  interrupted_fn interrupted = box != NULL ? *box : NULL;
  lua_pop(L, 1);
  return interrupted;
}

/* ---- Readings ----------------------------------------------------------- */

pi_snapshot *pi__check_snapshot(lua_State *L, int arg) {
  reading *r = luaL_checkudata(L, arg, PI__SNAPSHOT);
  if (r->snapshot == NULL) luaL_error(L, "this reading is closed");
  return r->snapshot;
}

pi_snapshot **pi__new_snapshot(lua_State *L) {
  reading *r = lua_newuserdatauv(L, sizeof *r, SNAPSHOT_VALUES);
  r->snapshot = NULL;
  luaL_setmetatable(L, PI__SNAPSHOT);
  return &r->snapshot;
}

pi_snapshot *pi__own_snapshot(lua_State *L, int arg) {
  const reading *r = lua_touserdata(L, arg);
  if (r->snapshot == NULL) luaL_error(L, "this reading is closed");
  return r->snapshot;
}

/* snapshot:closed() -> boolean */
static int snapshot_closed(lua_State *L) {
  const reading *r = luaL_checkudata(L, 1, PI__SNAPSHOT);
  lua_pushboolean(L, r->snapshot == NULL);
  return 1;
}

static int snapshot_close(lua_State *L) {
  reading *r = luaL_checkudata(L, 1, PI__SNAPSHOT);
  pi_snapshot_free(r->snapshot);
  r->snapshot = NULL;
  return 0;
}

/* [-0, +0, v] The bit of the group whose name is on top. */
static unsigned check_group(lua_State *L) {
  const char *name = lua_tostring(L, -1);
  for (unsigned bit = 1; name != NULL && bit <= PI_GROUPS; bit <<= 1) {
    if (strcmp(pi_group_name(bit), name) == 0) return bit;
  }
  luaL_error(L,
             "groups are socket, derived, tcp_info, owner and process, not %s",
             name != NULL ? name : luaL_typename(L, -1));
  return 0;
}

/* [-0, +0, v] The bits of the list of group names at `arg`. */
static unsigned check_groups(lua_State *L, int arg) {
  unsigned groups = 0;
  luaL_checktype(L, arg, LUA_TTABLE);
  for (lua_Integer i = 1; lua_rawgeti(L, arg, i) != LUA_TNIL; i++) {
    groups |= check_group(L);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return groups;
}

static pi_backend check_backend(lua_State *L, int arg) {
  static const struct {
    const char *name;
    pi_backend backend;
  } names[] = {{"auto", PI_BACKEND_AUTO},
               {"netlink", PI_BACKEND_NETLINK},
               {"proc", PI_BACKEND_PROC},
               {"bpf", PI_BACKEND_BPF}};
  const int n = sizeof names / sizeof *names;
  pi_backend backend = PI_BACKEND_AUTO;
  if (lua_getfield(L, arg, "backend") != LUA_TNIL) {
    const char *name = luaL_checkstring(L, -1);
    int i = 0;
    while (i < n && strcmp(names[i].name, name) != 0) i++;
    if (i == n) {
      luaL_argerror(L, arg, "backends are auto, netlink, proc and bpf");
    } else {
      backend = names[i].backend;
    }
  }
  lua_pop(L, 1);
  return backend;
}

pi_options pi__check_options(lua_State *L, int arg) {
  pi_options options = {.backend = check_backend(L, arg),
                        .interrupted = pi__get_interrupt(L)};
  if (lua_getfield(L, arg, "filter") != LUA_TNIL) {
    options.filter = pi__check_filter(L, -1);
  }
  if (lua_getfield(L, arg, "proc") != LUA_TNIL) {
    options.proc = luaL_checkstring(L, -1);
  }
  if (lua_getfield(L, arg, "netns") != LUA_TNIL) {
    options.netns = luaL_checkstring(L, -1);
  }
  return options;
}

/* take{groups = {...}, filter = predicate, backend =, proc =, netns =, previous
 * = reading} -> reading, or nil, message, errno. */
static int snapshot_take(lua_State *L) {
  pi_error err;
  unsigned groups = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "groups") != LUA_TNIL) groups = check_groups(L, 2);
  lua_settop(L, 1);
  pi_options options = pi__check_options(L, 1); /* at 2, 3 and 4 */
  options.groups = groups;
  if (lua_getfield(L, 1, "previous") != LUA_TNIL) {
    options.previous = pi__check_snapshot(L, -1);
  }
  pi_snapshot **snapshot = pi__new_snapshot(L);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, PROC_ANCHOR); /* these texts live as long */
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, NETNS_ANCHOR);
  if (pi_snapshot_take(&options, snapshot, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  return 1;
}

/* snapshot:complete(groups) -> true, or nil, message, errno. */
static int snapshot_complete(lua_State *L) {
  pi_snapshot *s = pi__check_snapshot(L, 1);
  pi_error err;
  unsigned groups = check_groups(L, 2);
  if (pi_snapshot_complete(s, groups, &err) != 0) {
    return pi__push_refusal(L, &err);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int snapshot_len(lua_State *L) {
  pi_snapshot *s = pi__check_snapshot(L, 1);
  lua_pushinteger(L, (lua_Integer)pi_snapshot_count(s));
  return 1;
}

static int snapshot_quality(lua_State *L) {
  const pi_snapshot *s = pi__check_snapshot(L, 1);
  pi__push_quality(L, pi_snapshot_quality(s), pi_snapshot_groups(s));
  return 1;
}

static int snapshot_host(lua_State *L) {
  pi__push_host(L, pi_snapshot_host(pi__check_snapshot(L, 1)));
  return 1;
}

/* snapshot:namespaces() -> list of {netns, name, closed} */
static int snapshot_namespaces(lua_State *L) {
  const pi_snapshot *s = pi__check_snapshot(L, 1);
  pi_namespace n;
  lua_newtable(L);
  for (size_t i = 0; pi_snapshot_namespace(s, i, &n); i++) {
    lua_createtable(L, 0, 3);
    if (n.host->netns != 0) {
      pi__set_integer(L, "netns", (lua_Integer)n.host->netns);
    }
    if (n.name != NULL) {
      lua_pushlstring(L, n.name, n.length);
      lua_setfield(L, -2, "name");
    }
    pi__set_boolean(L, "closed", n.closed);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int snapshot_tostring(lua_State *L) {
  const reading *r = luaL_checkudata(L, 1, PI__SNAPSHOT);
  if (r->snapshot == NULL) {
    lua_pushliteral(L, "reading (closed)");
  } else {
    lua_pushfstring(L, "reading of %I sockets",
                    (LUAI_UACINT)pi_snapshot_count(r->snapshot));
  }
  return 1;
}

/* host([proc]) -> what this host does with ports, or nil, message, errno. */
static int snapshot_host_read(lua_State *L) {
  const char *proc = luaL_optstring(L, 1, NULL);
  pi_host *host = lua_newuserdatauv(L, sizeof *host, 0);
  pi_error err;
  if (pi_host_read(proc, host, &err) != 0) return pi__push_refusal(L, &err);
  pi__push_host(L, host);
  return 1;
}

/* snapshot_class() -> the metatable, so that lua/ can add methods to it */
static int snapshot_class(lua_State *L) {
  luaL_getmetatable(L, PI__SNAPSHOT);
  return 1;
}

void pi__open_snapshot(lua_State *L) {
  static const luaL_Reg snapshot_methods[] = {
      {"__gc", snapshot_close},
      {"__close", snapshot_close},
      {"__len", snapshot_len},
      {"__tostring", snapshot_tostring},
      {"close", snapshot_close},
      {"complete", snapshot_complete},
      {"quality", snapshot_quality},
      {"host", snapshot_host},
      {"closed", snapshot_closed},
      {"namespaces", snapshot_namespaces},
      {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"take", snapshot_take},
      {"host", snapshot_host_read},
      {"snapshot_class", snapshot_class},
      {NULL, NULL},
  };
  pi__make_class(L, PI__SNAPSHOT, snapshot_methods);
  luaL_setfuncs(L, functions, 0);
}
