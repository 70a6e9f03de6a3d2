/* json.h: a strict reader of JSON (RFC 8259) for one line at a time. It pulls:
 * the caller asks for what it expects and nothing is built; texts are decoded
 * in place, so that the line is used up. */
#ifndef PI_CORE_JSON_H
#define PI_CORE_JSON_H

#include "collect.h"

enum { PI__JSON_DEEPEST = 16 };

typedef struct pi__json {
  char *start, *at, *end;
  unsigned depth;
  const char *wrong; /* once set, what is wrong at `at`; nothing is read then */
} pi__json;

/* Bytes of the line, not ended by a NUL. */
typedef struct pi__span {
  char *text;
  size_t length;
} pi__span;

pi__json pi__json_of(char *line, size_t length);

/* What stands next: one of { [ " 0 t f n, the rest as themselves; 0 at the
 * end. */
char pi__json_next(pi__json *json);

/* Steps into an array or object, whose `bracket` must stand next. */
bool pi__json_enter(pi__json *json, char bracket);

/* Steps to the next element, or to the next member's value (*key is its name);
 * false, having stepped out, behind the last. `first`: nothing came before. */
bool pi__json_element(pi__json *json, bool first);
bool pi__json_member(pi__json *json, bool first, pi__span *key);

/* Reads the value that stands next; false if it is another kind of value. */
bool pi__json_text(pi__json *json, pi__span *ret);
bool pi__json_bool(pi__json *json, bool *ret);

/* A number as it is written. */
bool pi__json_number(pi__json *json, pi__span *ret);

/* Reads over a value of any kind. */
bool pi__json_skip(pi__json *json);

/* Only white space may be left. */
bool pi__json_done(pi__json *json);

/* Decodes base64 (RFC 4648, section 4) in place; false if it is none. */
bool pi__base64_decode(pi__span *span);

#endif
