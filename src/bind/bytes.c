/* bytes.c: what the library writes, on its way to a Lua string. */
#include "bind.h"

#include <errno.h>
#include <string.h>

int pi__bytes_add(void *arg, const char *data, size_t length) {
  pi__bytes *b = arg;
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

void pi__bytes_free(pi__bytes *b) {
  b->alloc(b->ud, b->data, b->size, 0);
  b->data = NULL;
  b->size = b->used = 0;
}

static int bytes_gc(lua_State *L) {
  pi__bytes_free(lua_touserdata(L, 1));
  return 0;
}

pi__bytes *pi__bytes_box(lua_State *L) {
  pi__bytes *b = lua_newuserdatauv(L, sizeof *b, 0);
  memset(b, 0, sizeof *b);
  b->alloc = lua_getallocf(L, &b->ud);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, bytes_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, bytes_gc);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  return b;
}

pi__bytes *pi__bytes_new(lua_State *L) {
  pi__bytes *b = pi__bytes_box(L);
  lua_toclose(L, -1);
  return b;
}

int pi__bytes_push(lua_State *L, const pi__bytes *b, int rc,
                   const pi_error *err) {
  if (rc > 0 || rc == PI_ENOMEM) return luaL_error(L, "not enough memory");
  if (rc != 0) return pi__push_refusal(L, err);
  lua_pushlstring(L, b->data != NULL ? b->data : "", b->used);
  return 1;
}
