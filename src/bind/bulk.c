/* bulk.c: selections as the bytes of the bulk formats and of templates. */
#include "bind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Files --------------------------------------------------------------- */

FILE *pi__check_file(lua_State *L, int arg) {
  luaL_Stream *stream = luaL_checkudata(L, arg, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef != NULL, arg, "the file is closed");
  return stream->f;
}

int pi__write_file(void *arg, const char *bytes, size_t length) {
  errno = 0;
  return fwrite(bytes, 1, length, arg) == length ? 0 : errno != 0 ? errno : EIO;
}

int pi__push_written(lua_State *L, int rc, FILE *file, const pi_error *err) {
  if (rc == 0 && fflush(file) != 0) rc = errno;
  if (rc < 0) return pi__push_refusal(L, err);
  if (rc > 0) {
    errno = rc;
    return luaL_fileresult(L, 0, NULL);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* ---- Templates ----------------------------------------------------------- */

static int template_gc(lua_State *L) {
  pi_template **box = lua_touserdata(L, 1);
  pi_template_free(*box);
  *box = NULL;
  return 0;
}

/* [-0, +1, m] A box for one. */
static pi_template **template_new(lua_State *L) {
  pi_template **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, template_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return box;
}

/* template(text) -> list of the groups that it needs; or nil, what is wrong,
 * and which bytes are meant: the first (from 1; 0: none) and how many. */
static int check_template(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  pi_error err = {0};
  pi_template **box = template_new(L);
  if (pi_template_parse(text, length, box, &err) == 0) {
    pi__push_groups(L, pi_template_groups(*box));
    return 1;
  }
  luaL_pushfail(L);
  lua_pushstring(L, err.text);
  lua_pushinteger(L, err.length > 0 ? (lua_Integer)err.at + 1 : 0);
  lua_pushinteger(L, (lua_Integer)err.length);
  return 4;
}

/* ---- What is asked for --------------------------------------------------- */

/* Rows in a form. */
typedef struct output {
  pi_snapshot *snapshot;
  const pi_selection *rows;
  pi_template *tpl; /* or NULL, and then: */
  pi_format format;
  pi_field fields[PI_FIELD_COUNT];
  size_t n;
  unsigned flags;
} output;

/* [-0, +0, m] The PI_EMIT_* bits of the table at `arg`: header = false, nul =
 * true. */
static unsigned check_flags(lua_State *L, int arg) {
  unsigned flags = 0;
  if (lua_isnoneornil(L, arg)) return 0;
  luaL_checktype(L, arg, LUA_TTABLE);
  if (lua_getfield(L, arg, "header") == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
    flags |= PI_EMIT_NO_HEADER;
  }
  lua_getfield(L, arg, "nul");
  if (lua_toboolean(L, -1)) flags |= PI_EMIT_NUL;
  lua_pop(L, 2);
  return flags;
}

/* [-0, +n, v] The arguments from `arg` on: a format, fields and flags, or a
 * template, nil and flags; of the selection at 1. */
static void check_output(lua_State *L, int arg, output *out) {
  static const char *const names[] = {"tsv", "csv", "json", "ndjson", NULL};
  size_t length;
  const char *form = luaL_checklstring(L, arg, &length);
  pi_error err = {0};
  memset(out, 0, sizeof *out);
  out->flags = check_flags(L, arg + 2);
  if (memchr(form, '{', length) != NULL) {
    pi_template **box = template_new(L);
    if (pi_template_parse(form, length, box, &err) != 0) {
      luaL_error(L, "%s", err.text);
    }
    out->tpl = *box;
  } else {
    out->format = (pi_format)luaL_checkoption(L, arg, NULL, names);
    out->n = pi__check_fields(L, arg + 1, out->fields);
  }
  out->rows = pi__check_selection(L, 1, &out->snapshot);
}

/* Completes what is to be shown, if there is a row to show it of. */
static int output_read(const output *out, pi_error *err) {
  unsigned groups = out->tpl != NULL ? pi_template_groups(out->tpl) : 0;
  if (pi_selection_count(out->rows) == 0) return 0;
  for (size_t i = 0; i < out->n; i++) {
    groups |= pi_field_describe(out->fields[i])->group;
  }
  return pi_snapshot_complete(out->snapshot, groups, err);
}

static int output_write(const output *out, pi_sink sink, void *arg,
                        pi_error *err) {
  if (out->tpl != NULL) {
    return pi_emit_template(out->snapshot, out->rows, out->tpl, out->flags,
                            sink, arg, err);
  }
  return pi_emit(out->snapshot, out->rows, out->format, out->flags, out->fields,
                 out->n, sink, arg, err);
}

/* selection:write(file, form, fields[, flags]) -> true, or nil, message,
 * errno. */
static int selection_write(lua_State *L) {
  FILE *file = pi__check_file(L, 2);
  output out;
  pi_error err = {0};
  check_output(L, 3, &out);
  int rc = output_read(&out, &err);
  if (rc == 0) rc = output_write(&out, pi__write_file, file, &err);
  return pi__push_written(L, rc, file, &err);
}

/* selection:text(form, fields[, flags]) -> string, or nil, message, errno. */
static int selection_text(lua_State *L) {
  output out;
  pi_error err = {0};
  check_output(L, 2, &out);
  if (output_read(&out, &err) != 0) return pi__push_refusal(L, &err);
  pi__bytes *b = pi__bytes_new(L);
  int rc = output_write(&out, pi__bytes_add, b, &err);
  return pi__bytes_push(L, b, rc, &err);
}

void pi__open_bulk(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"write", selection_write}, {"text", selection_text}, {NULL, NULL}};
  lua_pushcfunction(L, check_template);
  lua_setfield(L, -2, "template");
  luaL_getmetatable(L, PI__SELECTION);
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
}
