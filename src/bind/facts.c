/* facts.c: what is known of ports, services and fields, as Lua tables. */
#include "bind.h"

#include <string.h>

static const struct {
  unsigned bit;
  const char *name;
} transports[] = {
    {PI_TRANSPORT_TCP, "tcp"},
    {PI_TRANSPORT_UDP, "udp"},
    {PI_TRANSPORT_SCTP, "sctp"},
    {PI_TRANSPORT_DCCP, "dccp"},
};

enum { TRANSPORTS = sizeof transports / sizeof *transports };

static const char *status_name(pi_status status) {
  static const char *const names[] = {"unassigned",  "assigned", "reserved",
                                      "de-assigned", "generic",  "dynamic"};
  return names[status];
}

static const char *range_name(uint16_t port) {
  return pi_field_describe(PI_RANGE)->words[pi_port_range(port)];
}

/* [-0, +0, v] */
static uint16_t check_port(lua_State *L, int arg) {
  lua_Integer port = luaL_checkinteger(L, arg);
  luaL_argcheck(L, port >= 0 && port <= 65535, arg, "ports are 0 to 65535");
  return (uint16_t)port;
}

/* [-0, +0, v] A transport's bit; all of them when absent. */
static unsigned opt_transport(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) return PI_TRANSPORTS;
  const char *name = luaL_checkstring(L, arg);
  for (int i = 0; i < TRANSPORTS; i++) {
    if (strcmp(transports[i].name, name) == 0) return transports[i].bit;
  }
  luaL_argerror(L, arg, "transports are tcp, udp, sctp and dccp");
  return 0;
}

/* [-0, +0, m] t.transports = {"tcp", ...} */
static void set_transports(lua_State *L, unsigned bits) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (int i = 0; i < TRANSPORTS; i++) {
    if (!(bits & transports[i].bit)) continue;
    lua_pushstring(L, transports[i].name);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "transports");
}

/* [-0, +1, m] */
static void push_record(lua_State *L, const pi_record *r) {
  lua_createtable(L, 0, 12);
  if (r->has_port) {
    pi__set_integer(L, "first", r->first);
    pi__set_integer(L, "last", r->last);
  }
  set_transports(L, r->transports);
  pi__set_text(L, "status", status_name(r->status));
  pi__set_text(L, "name", r->name);
  pi__set_text(L, "description", r->description);
  pi__set_text(L, "assignee", r->assignee);
  pi__set_text(L, "registered", r->registered);
  pi__set_text(L, "modified", r->modified);
  pi__set_text(L, "references", r->references);
  pi__set_text(L, "alias_of", r->alias_of);
  pi__set_text(L, "note", r->note);
  pi__set_text(L, "unauthorized", r->unauthorized);
}

/* [-0, +1, m] */
static void push_use(lua_State *L, const pi_use *u) {
  lua_createtable(L, 0, 9);
  pi__set_integer(L, "first", u->first);
  pi__set_integer(L, "last", u->last);
  set_transports(L, u->transports);
  pi__set_text(L, "id", u->id);
  pi__set_text(L, "software", u->software);
  pi__set_text(L, "category", u->category);
  pi__set_text(L, "use", u->use);
  pi__set_text(L, "evidence", u->evidence);
  pi__set_text(L, "source", u->source);
}

/* [-0, +1, m] */
static void push_risk(lua_State *L, const pi_risk *r) {
  lua_createtable(L, 0, 8);
  pi__set_integer(L, "first", r->first);
  pi__set_integer(L, "last", r->last);
  set_transports(L, r->transports);
  pi__set_text(L, "id", r->id);
  pi__set_text(L, "service", r->service);
  pi__set_text(L, "risk", r->risk);
  pi__set_text(L, "why", r->why);
  pi__set_text(L, "source", r->source);
}

/* [-0, +0, m] t.status = {tcp = "assigned", ...} */
static void set_status(lua_State *L, uint16_t port) {
  lua_createtable(L, 0, TRANSPORTS);
  for (int i = 0; i < TRANSPORTS; i++) {
    pi__set_text(L, transports[i].name,
                 status_name(pi_port_status(port, transports[i].bit)));
  }
  lua_setfield(L, -2, "status");
}

/* port(number[, transport]) -> {number, range, status, names, records, uses,
 * risks, blocked}. Names are the assigned records; records are all. */
static int facts_port(lua_State *L) {
  uint16_t port = check_port(L, 1);
  unsigned wanted = opt_transport(L, 2);
  pi_record record;
  pi_use use;
  pi_risk risk;
  lua_createtable(L, 0, 8);
  pi__set_integer(L, "number", port);
  pi__set_text(L, "range", range_name(port));
  pi__set_boolean(L, "blocked", pi_port_blocked(port));
  set_status(L, port);
  lua_newtable(L);
  lua_newtable(L); /* facts, records, names */
  lua_Integer names = 0;
  for (unsigned i = 0; pi_port_record(port, wanted, i, &record); i++) {
    push_record(L, &record);
    if (record.status == PI_STATUS_ASSIGNED) {
      lua_pushvalue(L, -1);
      lua_rawseti(L, -3, ++names);
    }
    lua_rawseti(L, -3, (lua_Integer)i + 1);
  }
  lua_setfield(L, -3, "names");
  lua_setfield(L, -2, "records");
  lua_newtable(L);
  for (unsigned i = 0; pi_port_use(port, wanted, i, &use); i++) {
    push_use(L, &use);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "uses");
  lua_newtable(L);
  for (unsigned i = 0; pi_port_risk(port, wanted, i, &risk); i++) {
    push_risk(L, &risk);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "risks");
  return 1;
}

/* name(port, transport) -> string or nil: the first assigned name. The quick
 * way to classify. */
static int facts_name(lua_State *L) {
  uint16_t port = check_port(L, 1);
  unsigned transport = opt_transport(L, 2);
  luaL_argcheck(L, transport != PI_TRANSPORTS, 2, "name a transport");
  lua_pushstring(L, pi_port_name(port, transport, 0));
  return 1;
}

/* service(name) -> records, uses: lists, empty where there are none. */
static int facts_service(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  pi_record record;
  pi_use use;
  lua_newtable(L);
  for (unsigned i = 0; pi_service_record(name, length, i, &record); i++) {
    push_record(L, &record);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_newtable(L);
  for (unsigned i = 0; pi_service_use(name, length, i, &use); i++) {
    push_use(L, &use);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

/* ---- Search ------------------------------------------------------------- */

enum { PAGE = 64 };

/* Hits are copied out of the search and pushed after it: a Lua error must not
 * jump over the library's frames. */
typedef struct page {
  size_t skip, count;
  pi_hit hits[PAGE];
} page;

static int take_hit(void *arg, const pi_hit *hit) {
  page *p = arg;
  if (p->skip > 0) {
    p->skip--;
    return 0;
  }
  p->hits[p->count++] = *hit;
  return p->count == PAGE;
}

/* [-0, +1, m] */
static void push_hit(lua_State *L, const pi_hit *hit) {
  static const char *const matches[] = {"exact", "prefix", "word",
                                        "description"};
  if (hit->is_use)
    push_use(L, &hit->use);
  else
    push_record(L, &hit->record);
  pi__set_text(L, "match", matches[hit->match]);
  pi__set_text(L, "kind", hit->is_use ? "use" : "record");
}

/* search(word[, most]) -> list of records and uses, best first. */
static int facts_search(lua_State *L) {
  size_t length;
  const char *word = luaL_checklstring(L, 1, &length);
  lua_Integer most = luaL_optinteger(L, 2, 1000);
  page *p = lua_newuserdatauv(L, sizeof *p, 0);
  lua_Integer n = 0;
  lua_newtable(L);
  do {
    p->skip = (size_t)n;
    p->count = 0;
    pi_search(word, length, take_hit, p);
    for (size_t i = 0; i < p->count && n < most; i++) {
      push_hit(L, &p->hits[i]);
      lua_rawseti(L, -2, ++n);
    }
  } while (p->count == PAGE && n < most);
  return 1;
}

/* Does a name, which is in lower case, begin with this? */
static bool begins(const char *name, const char *prefix, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = prefix[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (name[i] == '\0' || name[i] != c) return false;
  }
  return true;
}

/* services(prefix[, most]) -> list of names that begin with it, sorted. */
static int facts_services(lua_State *L) {
  size_t length;
  const char *prefix = luaL_checklstring(L, 1, &length);
  lua_Integer most = luaL_optinteger(L, 2, LUA_MAXINTEGER), n = 0;
  lua_newtable(L);
  size_t at = pi_service_lower_bound(prefix, length);
  for (; at < pi_service_count() && n < most; at++) {
    const char *name = pi_service_at(at);
    if (!begins(name, prefix, length)) break;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* ephemeral() -> list of the client ranges of systems. */
static int facts_ephemeral(lua_State *L) {
  pi_ephemeral e;
  lua_newtable(L);
  for (unsigned i = 0; pi_ephemeral_range(i, &e); i++) {
    lua_createtable(L, 0, 8);
    pi__set_text(L, "system", e.system);
    pi__set_text(L, "versions", e.versions);
    pi__set_integer(L, "first", e.first);
    pi__set_integer(L, "last", e.last);
    set_transports(L, e.transports);
    pi__set_text(L, "setting", e.setting);
    pi__set_text(L, "note", e.note);
    pi__set_text(L, "source", e.source);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* nearest(word, candidates) -> string or nil */
static int facts_nearest(lua_State *L) {
  size_t length;
  const char *word = luaL_checklstring(L, 1, &length);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, 2);
  luaL_argcheck(L, n < 100000, 2, "too many candidates");
  const char **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
  size_t count = 0;
  for (lua_Unsigned i = 1; i <= n; i++) {
    // borrowed from the table, which the caller holds
    if (lua_rawgeti(L, 2, (lua_Integer)i) == LUA_TSTRING) {
      list[count++] = lua_tostring(L, -1);
    }
    lua_pop(L, 1);
  }
  lua_pushstring(L, pi_nearest(word, length, list, count));
  return 1;
}

/* ---- Schema ------------------------------------------------------------- */

static const char *type_name(pi_type type) {
  static const char *const names[] = {"port",   "address", "word", "text",
                                      "number", "bool",    "time", "holders"};
  return names[type];
}

/* [-0, +1, m] */
static void push_field(lua_State *L, pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  lua_createtable(L, 0, 8);
  pi__set_text(L, "name", info->name);
  pi__set_text(L, "type", type_name(info->type));
  pi__set_text(L, "group", pi_group_name(info->group));
  pi__set_boolean(L, "several", info->several);
  pi__set_integer(L, "priority", info->priority);
  pi__set_text(L, "unit", info->unit);
  pi__set_text(L, "meaning", info->meaning);
  if (info->words == NULL) return;
  lua_newtable(L);
  for (lua_Integer i = 0; info->words[i] != NULL; i++) {
    lua_pushstring(L, info->words[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "words");
}

/* fields() -> the schema, in order. */
static int facts_fields(lua_State *L) {
  lua_createtable(L, PI_FIELD_COUNT, 0);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    push_field(L, (pi_field)f);
    lua_rawseti(L, -2, f + 1);
  }
  return 1;
}

/* flags() -> the words that stand alone in a filter. */
static int facts_flags(lua_State *L) {
  const char *word;
  lua_newtable(L);
  for (unsigned i = 0; (word = pi_filter_flag(i)) != NULL; i++) {
    lua_pushstring(L, word);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

void pi__open_facts(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"port", facts_port},         {"name", facts_name},
      {"service", facts_service},   {"search", facts_search},
      {"services", facts_services}, {"ephemeral", facts_ephemeral},
      {"nearest", facts_nearest},   {"fields", facts_fields},
      {"flags", facts_flags},       {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
