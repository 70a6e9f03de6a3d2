/* snapshot.c: readings and selections as userdata. A selection, and each row,
 * keeps its reading alive in a user value. */
#include "bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* User values of a reading. */
enum { ANCHOR = 1, SNAPSHOT_VALUES = 1 };

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

static interrupted_fn get_interrupt(lua_State *L) {
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
  luaL_error(L, "groups are socket, derived, owner and process, not %s",
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
  static const char *const names[] = {"auto", "netlink", "proc"};
  pi_backend backend = PI_BACKEND_AUTO;
  if (lua_getfield(L, arg, "backend") != LUA_TNIL) {
    const char *name = luaL_checkstring(L, -1);
    int i = 0;
    while (i < 3 && strcmp(names[i], name) != 0) i++;
    luaL_argcheck(L, i < 3, arg, "backends are auto, netlink and proc");
    backend = (pi_backend)i;
  }
  lua_pop(L, 1);
  return backend;
}

/* take{groups = {...}, filter = predicate, backend =, proc =} -> reading, or
 * nil, message, errno. */
static int snapshot_take(lua_State *L) {
  pi_options options = {0};
  pi_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "groups") != LUA_TNIL) {
    options.groups = check_groups(L, 2);
  }
  lua_settop(L, 1);
  options.backend = check_backend(L, 1);
  options.interrupted = get_interrupt(L);
  if (lua_getfield(L, 1, "filter") != LUA_TNIL) {
    options.filter = pi__check_filter(L, -1);
  }
  if (lua_getfield(L, 1, "proc") != LUA_TNIL) {
    options.proc = luaL_checkstring(L, -1);
  }
  reading *r = lua_newuserdatauv(L, sizeof *r, SNAPSHOT_VALUES);
  r->snapshot = NULL;
  luaL_setmetatable(L, PI__SNAPSHOT);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, ANCHOR); /* the text of proc lives as long */
  if (pi_snapshot_take(&options, &r->snapshot, &err) != 0) {
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

/* ---- Selections --------------------------------------------------------- */

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
  size_t n = pi__check_fields(L, 4, fields);
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

/* Bytes that grow outside of Lua's error handling: its allocator returns NULL
 * where a buffer of lauxlib would jump over the library's frames. */
typedef struct bytes {
  lua_Alloc alloc;
  void *ud;
  char *data;
  size_t used, size;
} bytes;

static int append(void *arg, const char *data, size_t length) {
  bytes *b = arg;
  if (b->size - b->used < length) {
    size_t size = b->size * 2 + length;
    char *grown = b->alloc(b->ud, b->data, b->size, size);
    if (grown == NULL) return ENOMEM;
    b->data = grown;
    b->size = size;
  }
  memcpy(b->data + b->used, data, length);
  b->used += length;
  return 0;
}

static int bytes_gc(lua_State *L) {
  bytes *b = lua_touserdata(L, 1);
  b->alloc(b->ud, b->data, b->size, 0);
  b->data = NULL;
  b->size = b->used = 0;
  return 0;
}

/* [-0, +1, m] A to-be-closed box. */
static bytes *bytes_new(lua_State *L) {
  bytes *b = lua_newuserdatauv(L, sizeof *b, 0);
  memset(b, 0, sizeof *b);
  b->alloc = lua_getallocf(L, &b->ud);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, bytes_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, bytes_gc);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return b;
}

/* selection:text(format, fields) -> string, or nil, message, errno. */
static int selection_text(lua_State *L) {
  pi_format format = check_format(L, 2);
  pi_field fields[PI_FIELD_COUNT];
  size_t n = pi__check_fields(L, 3, fields);
  pi_snapshot *s;
  pi_error err = {0};
  const pi_selection *rows = check_selection(L, 1, &s);
  if (read_fields(s, rows, fields, n, &err) != 0)
    return pi__push_refusal(L, &err);
  bytes *b = bytes_new(L);
  int rc = pi_emit(s, rows, format, fields, n, append, b, &err);
  if (rc > 0 || rc == PI_ENOMEM) return luaL_error(L, "not enough memory");
  if (rc != 0) return pi__push_refusal(L, &err);
  lua_pushlstring(L, b->data != NULL ? b->data : "", b->used);
  return 1;
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
    if (!pi_host_reserves(host, (uint16_t)port)) continue;
    lua_pushinteger(L, port);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "reserved");
}

/* [-0, +1, m] */
static void push_source(lua_State *L, const pi_quality *q, int proto,
                        int family) {
  static const char *const backends[] = {"auto", "netlink", "proc", "none"};
  const struct pi_source *source = &q->sources[proto][family];
  lua_createtable(L, 0, 8);
  pi__set_text(L, "proto", pi_field_describe(PI_PROTO)->words[proto]);
  pi__set_text(L, "family", pi_field_describe(PI_FAMILY)->words[family]);
  pi__set_text(L, "backend", backends[source->backend]);
  pi__set_integer(L, "rows", (lua_Integer)source->rows);
  pi__set_integer(L, "retries", source->retries);
  pi__set_boolean(L, "partial", source->partial);
  pi__set_boolean(L, "absent", source->absent);
  pi__set_boolean(L, "no_bound", source->no_bound);
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
  pi__set_boolean(L, "hidden", q->hidden);
  pi__set_boolean(L, "nested", q->nested);
  pi__set_boolean(L, "owners_unseen", q->owners_unseen);
}

void pi__push_quality(lua_State *L, const pi_quality *q, unsigned groups) {
  lua_createtable(L, 0, 16);
  lua_newtable(L);
  for (int i = 0, n = 0; i < 4; i++) {
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
  if (groups & PI_GROUP_OWNER) set_sight(L, q);
  pi__set_integer(L, "socket_us", (lua_Integer)q->socket_us);
  pi__set_integer(L, "derived_us", (lua_Integer)q->derived_us);
  pi__set_integer(L, "owner_us", (lua_Integer)q->owner_us);
  pi__set_integer(L, "process_us", (lua_Integer)q->process_us);
  pi__set_integer(L, "taken", q->taken);
  if (q->completed != 0) pi__set_integer(L, "completed", q->completed);
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

/* [-0, +0, m] A metatable whose methods are found in itself. */
static void make_class(lua_State *L, const char *name,
                       const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index"); /* meta.__index = meta */
  lua_pop(L, 1);
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
      {"select", snapshot_select},
      {"quality", snapshot_quality},
      {"host", snapshot_host},
      {"closed", snapshot_closed},
      {NULL, NULL},
  };
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
  static const luaL_Reg functions[] = {
      {"take", snapshot_take},
      {"host", snapshot_host_read},
      {"snapshot_class", snapshot_class},
      {NULL, NULL},
  };
  make_class(L, PI__SNAPSHOT, snapshot_methods);
  make_class(L, PI__SELECTION, selection_methods);
  luaL_setfuncs(L, functions, 0);
}
