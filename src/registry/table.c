/* table.c: see table.h. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../portinfo.h"

void table_fail(const table *t, const char *format, ...) {
  va_list args;
  fprintf(stderr, "%s:%u: ", t->path, t->line);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static char *read_file(table *t, size_t *size) {
  FILE *file = fopen(t->path, "rb");
  if (!file) table_fail(t, "cannot be opened, a readable file was expected");
  size_t room = 1 << 16;
  char *bytes = malloc(room + 1);
  *size = 0;
  while (bytes) {
    *size += fread(bytes + *size, 1, room - *size, file);
    if (*size < room) break;
    room *= 2;
    char *more = realloc(bytes, room + 1);
    if (!more) free(bytes);
    bytes = more;
  }
  if (!bytes) table_fail(t, "too long for the memory, a text table is short");
  if (ferror(file)) table_fail(t, "cannot be read, a file was expected");
  fclose(file);
  bytes[*size] = '\0';
  return bytes;
}

/* Length of the UTF-8 sequence at s, or 0 if it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s) {
  // the bounds of the second byte keep out overlong forms, surrogates and
  // what is above U+10FFFF
  unsigned char low = 0x80, high = 0xBF;
  size_t length = 0;
  if (s[0] < 0x80) return 1;
  if (s[0] >= 0xC2 && s[0] <= 0xDF) length = 2;
  if (s[0] >= 0xE0 && s[0] <= 0xEF) length = 3;
  if (s[0] >= 0xF0 && s[0] <= 0xF4) length = 4;
  if (s[0] == 0xE0) low = 0xA0;
  if (s[0] == 0xED) high = 0x9F;
  if (s[0] == 0xF0) low = 0x90;
  if (s[0] == 0xF4) high = 0x8F;
  for (size_t i = 1; i < length; i++) {
    if (s[i] < low || s[i] > high) return 0;
    low = 0x80, high = 0xBF;
  }
  return length;
}

static void check_bytes(table *t, size_t size) {
  const unsigned char *s = (const unsigned char *)t->bytes, *end = s + size;
  t->line = 1;
  while (s < end) {
    size_t length = utf8_length(s);
    if (length == 0) table_fail(t, "invalid UTF-8 (byte 0x%02X)", *s);
    if (*s == '\r') table_fail(t, "carriage return, lines end with LF alone");
    if ((*s < ' ' && *s != '\t' && *s != '\n') || *s == 0x7F)
      table_fail(t, "control byte 0x%02X, only tab and LF may be used", *s);
    if (s[0] == 0xC2 && s[1] < 0xA0)
      table_fail(t, "control character U+%04X, only tab and LF may be used",
                 (unsigned)s[1]);
    if (*s == '\n') t->line++;
    s += length;
  }
  if (size == 0 || end[-1] != '\n')
    table_fail(t, "truncated, the last line must end with LF");
  t->line = 0;
}

/* The next line without its LF, or NULL. */
static char *next_line(table *t) {
  if (*t->next == '\0') return NULL;
  char *line = t->next, *end = line + strcspn(line, "\n");
  *end = '\0';
  t->next = end + 1;
  t->line++;
  return line;
}

/* Cuts a line at `separator`; returns how many cells there are. */
static size_t split(const table *t, char *line, char separator,
                    char *cells[TABLE_COLUMNS]) {
  size_t count = 0;
  for (char *end; line; line = end ? end + 1 : NULL) {
    if (count == TABLE_COLUMNS)
      table_fail(t, "more than %d columns", TABLE_COLUMNS);
    cells[count++] = line;
    end = strchr(line, separator);
    if (end) *end = '\0';
  }
  return count;
}

static void check_header(table *t, char *line, const char *columns) {
  char wanted[256], *want[TABLE_COLUMNS], *have[TABLE_COLUMNS];
  snprintf(wanted, sizeof wanted, "%s", columns);
  t->columns = split(t, wanted, ' ', want);
  size_t count = split(t, line, '\t', have);
  for (size_t i = 0; i < t->columns; i++) {
    if (i >= count)
      table_fail(t, "column \"%s\" is missing, wanted: %s", want[i], columns);
    if (strcmp(want[i], have[i]) != 0)
      table_fail(t, "column \"%s\" where \"%s\" belongs", have[i], want[i]);
  }
  if (count > t->columns)
    table_fail(t, "column \"%s\" is unknown, wanted: %s", have[t->columns],
               columns);
}

void table_init(table *t, const char *path, const char *columns) {
  size_t size;
  *t = (table){.path = path};
  t->bytes = t->next = read_file(t, &size);
  check_bytes(t, size);
  char *line = next_line(t);
  for (; line && *line == '#'; line = next_line(t)) {
    if (strncmp(line, "# date: ", 8) != 0) continue;
    t->date = line + 8;
    table_check_date(t, t->date);
  }
  if (!line) table_fail(t, "no header, wanted the columns: %s", columns);
  check_header(t, line, columns);
}

void table_deinit(table *t) {
  free(t->bytes);
  t->bytes = t->next = t->date = NULL;
}

bool table_next(table *t, char *cells[TABLE_COLUMNS]) {
  char *line = next_line(t);
  if (!line) return false;
  size_t count = split(t, line, '\t', cells);
  if (count != t->columns)
    table_fail(t, "a row of %zu cells, wanted %zu", count, t->columns);
  for (size_t i = 0; i < count; i++) {
    size_t length = strlen(cells[i]);
    if (length > TABLE_CELL)
      table_fail(t, "a cell of %zu bytes, at most %d are kept", length,
                 TABLE_CELL);
  }
  return true;
}

unsigned short table_port(const table *t, const char *cell) {
  unsigned port = 0;
  for (const char *c = cell; *c; c++) {
    if (*c < '0' || *c > '9' || port > 65535)
      table_fail(t, "port \"%s\", wanted a number from 0 to 65535", cell);
    port = port * 10 + (unsigned)(*c - '0');
  }
  if (*cell == '\0' || port > 65535)
    table_fail(t, "port \"%s\", wanted a number from 0 to 65535", cell);
  return (unsigned short)port;
}

void table_range(const table *t, char *const cells[2],
                 unsigned short range[2]) {
  range[0] = table_port(t, cells[0]);
  range[1] = table_port(t, cells[1]);
  if (range[0] > range[1])
    table_fail(t, "range %s to %s, the first must not be the greater", cells[0],
               cells[1]);
}

unsigned char table_transports(const table *t, const char *cell) {
  static const char *const names[] = {"tcp", "udp", "sctp", "dccp"};
  unsigned set = 0, least = 0;  // the order keeps two tables comparable
  if (strcmp(cell, "any") == 0) return 0;
  for (const char *rest = cell; rest; least++) {
    size_t length = strcspn(rest, ",");
    while (least < 4 && (strlen(names[least]) != length ||
                         memcmp(names[least], rest, length) != 0))
      least++;
    if (least == 4)
      table_fail(t,
                 "transports \"%s\", wanted \"any\" or some of "
                 "tcp,udp,sctp,dccp in this order",
                 cell);
    set |= 1U << least;
    rest = rest[length] ? rest + length + 1 : NULL;
  }
  return (unsigned char)set;
}

void table_check_date(const table *t, const char *cell) {
  const char *pattern = "dddd-dd-dd";
  size_t length = strlen(cell);
  bool good = length == 0 || length == 7 || length == 10;
  for (size_t i = 0; good && i < length; i++)
    good = pattern[i] == 'd' ? cell[i] >= '0' && cell[i] <= '9'
                             : cell[i] == pattern[i];
  if (!good) table_fail(t, "date \"%s\", wanted YYYY-MM-DD or YYYY-MM", cell);
}
