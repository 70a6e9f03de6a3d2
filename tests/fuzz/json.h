/* json.h: is a text one value of JSON (RFC 8259)? Straight from its grammar, to
 * hold against what is written and read elsewhere. */
#ifndef PI_TESTS_FUZZ_JSON_H
#define PI_TESTS_FUZZ_JSON_H

#include "core/utf8.h"

#include <stdbool.h>
#include <string.h>

typedef struct json_text {
  const char *at, *end;
  unsigned deeper; /* how many levels may still be entered */
} json_text;

static inline void json_space(json_text *j) {
  while (j->at < j->end && memchr(" \t\r\n", *j->at, 4) != NULL) j->at++;
}

static inline bool json_char(json_text *j, char c) {
  if (j->at == j->end || *j->at != c) return false;
  j->at++;
  return true;
}

static inline bool json_any(json_text *j, const char *set) {
  if (j->at == j->end || memchr(set, *j->at, strlen(set)) == NULL) return false;
  j->at++;
  return true;
}

static inline bool json_word(json_text *j, const char *word) {
  while (*word != '\0' && json_char(j, *word)) word++;
  return *word == '\0';
}

static inline bool json_digits(json_text *j) {
  bool any = json_any(j, "0123456789");
  while (json_any(j, "0123456789")) {
  }
  return any;
}

static inline bool json_number(json_text *j) {
  json_char(j, '-');
  if (!json_char(j, '0') && !json_digits(j)) return false;
  if (json_char(j, '.') && !json_digits(j)) return false;
  if (!json_any(j, "eE")) return true;
  json_any(j, "+-");
  return json_digits(j);
}

/* The four digits behind \u. */
static inline bool json_unit(json_text *j, unsigned *ret) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  *ret = 0;
  for (int i = 0; i < 4; i++) {
    if (j->at == j->end || *j->at == '\0') return false;
    const char *digit = strchr(digits, *j->at++);
    if (digit == NULL) return false;
    *ret = *ret << 4 | ((unsigned)(digit - digits) & 15);
  }
  return true;
}

/* RFC 8259 lets a half of a pair stand alone, which no text can keep. */
static inline bool json_escape(json_text *j) {
  unsigned first, second;
  if (json_any(j, "\"\\/bfnrt")) return true;
  if (!json_char(j, 'u') || !json_unit(j, &first)) return false;
  if (first < 0xd800 || first > 0xdfff) return true;
  return first < 0xdc00 && json_word(j, "\\u") && json_unit(j, &second) &&
         second >= 0xdc00 && second <= 0xdfff;
}

static inline bool json_string(json_text *j) {
  uint32_t point;
  if (!json_char(j, '"')) return false;
  while (!json_char(j, '"')) {
    if (json_char(j, '\\')) {
      if (!json_escape(j)) return false;
      continue;
    }
    if (j->at == j->end || (unsigned char)*j->at < 0x20) return false;
    size_t n = pi__utf8_read(j->at, (size_t)(j->end - j->at), &point);
    if (n == 0) return false;
    j->at += n;
  }
  return true;
}

static inline bool json_value(json_text *j);

/* What stands between brackets, behind the first. */
static inline bool json_list(json_text *j, char close, bool keys) {
  json_space(j);
  if (json_char(j, close)) return true;
  do {
    json_space(j);
    if (keys && !json_string(j)) return false;
    if (keys) json_space(j);
    if (keys && !json_char(j, ':')) return false;
    if (!json_value(j)) return false;
    json_space(j);
  } while (json_char(j, ','));
  return json_char(j, close);
}

static inline bool json_value(json_text *j) {
  json_space(j);
  if (j->at == j->end) return false;
  char c = *j->at;
  if (c == '"') return json_string(j);
  if (c == 't') return json_word(j, "true");
  if (c == 'f') return json_word(j, "false");
  if (c == 'n') return json_word(j, "null");
  if (c != '{' && c != '[') return json_number(j);
  if (j->deeper == 0) return false;
  j->at++;
  j->deeper--;
  bool whole = json_list(j, c == '{' ? '}' : ']', c == '{');
  j->deeper++;
  return whole;
}

/* One value and nothing else but white space, so many levels deep at most. */
static inline bool is_json(const char *bytes, size_t length, unsigned deepest) {
  json_text j = {bytes, bytes + length, deepest};
  if (!json_value(&j)) return false;
  json_space(&j);
  return j.at == j.end;
}

#endif
