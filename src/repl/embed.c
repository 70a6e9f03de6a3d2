/* embed.c: writes Lua files as constant C arrays, so that the binary is whole.
 *
 *   embed FOLDER FILE... > embedded.c
 */
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

static int print_bytes(const char *folder, const char *path, int number) {
  char name[4096];
  snprintf(name, sizeof name, "%s/%s", folder, path);
  FILE *file = fopen(name, "rb");
  if (file == NULL) {
    perror(name);
    return 1;
  }
  printf("static const char file%d[] = {", number);
  int c, column = 0;
  while ((c = getc(file)) != EOF) {
    if (column++ % 16 == 0) printf("\n ");
    printf(" %d,", c > 127 ? c - 256 : c);
  }
  printf(" 0};\n\n");
  fclose(file);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: embed FOLDER FILE...\n");
    return 2;
  }
  printf("#include \"embedded.h\"\n\n");
  for (int i = 2; i < argc; i++) {
    if (print_bytes(argv[1], argv[i], i) != 0) return 1;
  }
  printf("const struct embedded embedded[] = {\n");
  for (int i = 2; i < argc; i++) {
    printf("  {\"");
    print_module(argv[i]);
    printf("\", \"=%s\", file%d, sizeof file%d - 1},\n", argv[i], i, i);
  }
  printf("  {0, 0, 0, 0},\n};\n");
  return 0;
}
