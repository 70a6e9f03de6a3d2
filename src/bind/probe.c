/* probe.c: attempts to bind a port, and the addresses they are made at. */
#include "bind.h"

#include <errno.h>

/* What an errno of bind(2) means to whoever wants the port. */
static const char *refusal(int os) {
  switch (os) {
  case EADDRINUSE: return "in-use";
  case EACCES:
  case EPERM: return "permission";
  case EADDRNOTAVAIL:
  case EAFNOSUPPORT: return "no-address";
  default: return "other";
  }
}

/* [-0, +0, v] The address at `arg`, NULL if there is none. */
static const pi_address *opt_address(lua_State *L, int arg, pi_address *ret) {
  size_t length;
  if (lua_isnoneornil(L, arg)) return NULL;
  const char *text = luaL_checklstring(L, arg, &length);
  luaL_argcheck(L, pi_address_parse(text, length, ret), arg, "not an address");
  return ret;
}

static bool get_flag(lua_State *L, int arg, const char *name) {
  if (lua_isnoneornil(L, arg)) return false;
  lua_getfield(L, arg, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

/* try_bind(proto, address, port[, {reuseaddr =, reuseport =}]) -> true, or nil,
 * message, errno, and its meaning: in-use, permission, no-address or other.
 * `address` nil: all of them. See pi_port_try. */
static int probe_bind(lua_State *L) {
  static const char *const protos[] = {"tcp", "udp", NULL};
  static const pi_proto values[] = {PI_PROTO_TCP, PI_PROTO_UDP};
  pi_address address;
  pi_error err;
  pi_probe probe = {.proto = values[luaL_checkoption(L, 1, NULL, protos)],
                    .address = opt_address(L, 2, &address)};
  lua_Integer port = luaL_checkinteger(L, 3);
  luaL_argcheck(L, port >= 1 && port <= 65535, 3, "ports are 1 to 65535");
  probe.port = (uint16_t)port;
  if (!lua_isnoneornil(L, 4)) luaL_checktype(L, 4, LUA_TTABLE);
  probe.reuseaddr = get_flag(L, 4, "reuseaddr");
  probe.reuseport = get_flag(L, 4, "reuseport");
  if (pi_port_try(&probe, &err) != 0) {
    int n = pi__push_refusal(L, &err);
    lua_pushstring(L, refusal(err.os));
    return n + 1;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* address(text) -> its usual spelling, and the family it is of; or nil. */
static int probe_address(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  pi_address address;
  char spelt[PI_ADDRESS_TEXT];
  if (!pi_address_parse(text, length, &address)) return 0;
  lua_pushlstring(L, spelt, pi_address_format(&address, spelt));
  lua_pushstring(L, pi_address_is_v4(&address) ? "ipv4" : "ipv6");
  return 2;
}

void pi__open_probe(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"try_bind", probe_bind},
      {"address", probe_address},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
