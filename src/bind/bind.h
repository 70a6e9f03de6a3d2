/* bind.h: what the files of the binding share. */
#ifndef PI_BIND_BIND_H
#define PI_BIND_BIND_H

#include "../portinfo.h"
#include "module.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

#define PI__SNAPSHOT  "portinfo.snapshot"
#define PI__SELECTION "portinfo.selection"
#define PI__ROW       "portinfo.row"
#define PI__PREDICATE "portinfo.predicate"
#define PI__WATCHER   "portinfo.watcher"

/* [-0, +3, m] nil, message, errno (or nil): the system's refusal. */
int pi__push_refusal(lua_State *L, const pi_error *err);

/* [-0, +0, v] The open object at `arg`, or an error at the caller's line. */
pi_snapshot *pi__check_snapshot(lua_State *L, int arg);
pi_filter *pi__check_filter(lua_State *L, int arg);

/* [-0, +0, v] The reading that one of our own values keeps, at `arg`: it can be
 * nothing else, and is open, or an error. */
pi_snapshot *pi__own_snapshot(lua_State *L, int arg);

/* [-0, +3, v] What the table at `arg` says of filter, backend, proc and netns;
 * pushes filter, proc and netns, of which the last two must live as long as
 * what is made with them. */
pi_options pi__check_options(lua_State *L, int arg);

/* [-0, +1, v] The row at `arg`; pushes its reading, which must be open. */
size_t pi__check_row(lua_State *L, int arg, pi_snapshot **snapshot);

/* [-0, +1, m] A predicate still to be made. */
pi_filter **pi__push_predicate(lua_State *L);

/* [-0, +1, v] The selection at `arg`; pushes its reading, which must be
 * open. */
pi_selection *pi__check_selection(lua_State *L, int arg,
                                  pi_snapshot **snapshot);

/* [-0, +1, m] A selection of the reading at `box`, to be filled in. */
pi_selection **pi__new_selection(lua_State *L, int box);

/* [-0, +1, m] A reading, closed until it is filled in. */
pi_snapshot **pi__new_snapshot(lua_State *L);

/* [-0, +0, -] What readings ask now and then; NULL: nothing. */
bool (*pi__get_interrupt(lua_State *L))(void);

/* [-0, +0, v] The open file at `arg`. */
FILE *pi__check_file(lua_State *L, int arg);

/* A pi_sink whose `arg` is a FILE; the errno of what it refuses. */
int pi__write_file(void *arg, const char *bytes, size_t length);

/* [-0, +n, m] Flushes what was written with result `rc`: true, or nil, message,
 * errno. */
int pi__push_written(lua_State *L, int rc, FILE *file, const pi_error *err);

/* [-0, +0, v] The fields named in the list at `arg`, PI_FIELD_COUNT at most;
 * how many. */
size_t pi__check_fields(lua_State *L, int arg, pi_field *fields);

/* [-0, +1, m] The row with this number of the snapshot userdata at `box`. */
void pi__push_row(lua_State *L, int box, size_t row);

/* [-0, +1, m] */
const char *pi__backend_name(pi_backend backend);
void pi__push_host(lua_State *L, const pi_host *host);
/* `groups` were read: without owners nothing is said of processes. */
void pi__push_quality(lua_State *L, const pi_quality *quality, unsigned groups);

/* A list of names, of PI_GROUP_* bits. */
void pi__push_groups(lua_State *L, unsigned groups);

/* [-0, +0, m] t[name] = value, for the table t on top. */
void pi__set_integer(lua_State *L, const char *name, lua_Integer value);
void pi__set_boolean(lua_State *L, const char *name, bool value);
/* An empty text is left out. */
void pi__set_text(lua_State *L, const char *name, const char *text);

/* Bytes that grow outside of Lua's error handling: its allocator returns NULL
 * where a buffer of lauxlib would jump over the library's frames. */
typedef struct pi__bytes {
  lua_Alloc alloc;
  void *ud;
  char *data;
  size_t used, size;
} pi__bytes;

/* [-0, +1, m] A box for the collector. */
pi__bytes *pi__bytes_box(lua_State *L);
void pi__bytes_free(pi__bytes *bytes);
/* [-0, +1, m] A to-be-closed box, for functions that end with it: lua_settop of
 * Lua 5.4.4 and before may not pop one, as the stack may move under it. */
pi__bytes *pi__bytes_new(lua_State *L);
int pi__bytes_add(void *bytes, const char *data, size_t length); /* a pi_sink */
/* [-0, +n, m] What was written as a string, or what went wrong (`rc`). */
int pi__bytes_push(lua_State *L, const pi__bytes *bytes, int rc,
                   const pi_error *err);

/* [-0, +0, m] A metatable whose methods are found in itself. */
void pi__make_class(lua_State *L, const char *name, const luaL_Reg *methods);

/* [-0, +0, m] Makes the metatables, and fills the table on top with
 * functions. */
void pi__open_bounded(lua_State *L);
void pi__open_clock(lua_State *L);
void pi__open_facts(lua_State *L);
void pi__open_predicate(lua_State *L);
void pi__open_pin(lua_State *L);
void pi__open_plan(lua_State *L);
void pi__open_probe(lua_State *L);
void pi__open_snapshot(lua_State *L);
void pi__open_selection(lua_State *L); /* after the snapshot */
void pi__open_bulk(lua_State *L);      /* after the selection */
void pi__open_row(lua_State *L);
void pi__open_saved(lua_State *L); /* after snapshot and selection */
void pi__open_watcher(lua_State *L);

#endif
