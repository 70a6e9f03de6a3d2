/* embed.c: writes Lua files as constant C arrays, so that the binary is whole.
 *
 *   embed FOLDER FILE... > embedded.c
 *
 * Compiled here they need not be at each start, which takes longer than most
 * of what is asked. Binary chunks are those of one Lua alone (Lua manual,
 * section 4.6, lua_dump): built with PI_AS_SOURCE for a Lua that is found when
 * the program starts, this writes the text.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* portinfo/query.lua -> portinfo.query, portinfo/init.lua -> portinfo */
static void print_module(const char *path) {
  size_t n = strlen(path) - strlen(".lua");
  static const char init[] = "/init";
  if (n > strlen(init) &&
      memcmp(path + n - strlen(init), init, strlen(init)) == 0) {
    n -= strlen(init);
  }
  for (size_t i = 0; i < n; i++) putchar(path[i] == '/' ? '.' : path[i]);
}

/* Prints bytes as the inside of a char array; a lua_Writer. */
static int print_bytes(lua_State *L, const void *bytes, size_t length,
                       void *arg) {
  const signed char *b = bytes;
  int *column = arg;
  (void)L;
  for (size_t i = 0; i < length; i++) {
    printf("%s %d,", (*column)++ % 16 == 0 ? "\n " : "", b[i]);
  }
  return 0;
}

static void read_all(lua_State *L, FILE *file) {
  luaL_Buffer b;
  size_t n;
  luaL_buffinit(L, &b);
  while ((n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file)) > 0) {
    luaL_addsize(&b, n);
  }
  luaL_pushresult(&b);
}

static int print_file(lua_State *L, const char *folder, const char *path,
                      int number) {
  const char *place = lua_pushfstring(L, "%s/%s", folder, path);
  const char *name = lua_pushfstring(L, "=%s", path);
  FILE *file = fopen(place, "rb");
  if (file == NULL) {
    perror(place);
    return 1;
  }
  read_all(L, file);
  fclose(file);
  size_t length;
  const char *text = lua_tolstring(L, -1, &length);
  if (luaL_loadbufferx(L, text, length, name, "t") != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 1;
  }
  int column = 0;
  printf("static const char file%d[] = {", number);
#ifdef PI_AS_SOURCE
  print_bytes(L, text, length, &column);
#else
  lua_dump(L, print_bytes, &column, 0);
#endif
  printf("};\n\n");
  lua_settop(L, 0);
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (argc < 3 || L == NULL) {
    fprintf(stderr, "usage: embed FOLDER FILE...\n");
    return 2;
  }
  printf("#include \"embedded.h\"\n\n");
  for (int i = 2; i < argc; i++) {
    if (print_file(L, argv[1], argv[i], i) != 0) return 1;
  }
  lua_close(L);
  printf("const struct embedded embedded[] = {\n");
  for (int i = 2; i < argc; i++) {
    printf("  {\"");
    print_module(argv[i]);
    printf("\", \"=%s\", file%d, sizeof file%d},\n", argv[i], i, i);
  }
  printf("  {0, 0, 0, 0},\n};\n");
  return 0;
}
