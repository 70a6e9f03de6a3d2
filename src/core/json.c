/* json.c: see json.h. No function calls itself, so the stack is bounded by our
 * own code and not by the text. */
#include "json.h"
#include "utf8.h"

#include <string.h>

pi__json pi__json_of(char *line, size_t length) {
  return (pi__json){.start = line, .at = line, .end = line + length};
}

static bool fail(pi__json *j, const char *wrong) {
  if (j->wrong == NULL) j->wrong = wrong;
  return false;
}

static void skip_space(pi__json *j) {
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r' ||
                            *j->at == '\n')) {
    j->at++;
  }
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char pi__json_next(pi__json *j) {
  skip_space(j);
  if (j->wrong != NULL || j->at == j->end) return 0;
  return is_digit(*j->at) || *j->at == '-' ? '0' : *j->at;
}

static bool take(pi__json *j, char c, const char *wrong) {
  if (pi__json_next(j) != c) return fail(j, wrong);
  j->at++;
  return true;
}

bool pi__json_enter(pi__json *j, char bracket) {
  if (pi__json_next(j) != bracket) return false;
  if (j->depth == PI__JSON_DEEPEST) return fail(j, "nested too deep");
  j->at++;
  j->depth++;
  return true;
}

/* Is there another element before the bracket? */
static bool step(pi__json *j, bool first, char bracket) {
  if (pi__json_next(j) == bracket) {
    j->at++;
    j->depth--;
    return false;
  }
  return first || take(j, ',', "a comma is missing");
}

bool pi__json_element(pi__json *j, bool first) {
  return step(j, first, ']') && j->wrong == NULL;
}

bool pi__json_member(pi__json *j, bool first, pi__span *key) {
  if (!step(j, first, '}')) return false;
  if (!pi__json_text(j, key)) return fail(j, "a key is missing");
  return take(j, ':', "a colon is missing");
}

/* ---- Texts -------------------------------------------------------------- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The four digits at `p`; -1 if they are none. */
static int32_t hex_word(const char *p, const char *end) {
  int32_t word = 0;
  if (end - p < 4) return -1;
  for (int i = 0; i < 4; i++) {
    if (hex_digit(p[i]) < 0) return -1;
    word = word << 4 | hex_digit(p[i]);
  }
  return word;
}

static char *put_utf8(char *to, uint32_t c) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  if (c < 0x800) {
    *to++ = (char)(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *to++ = (char)(0xe0 | c >> 12);
    } else {
      *to++ = (char)(0xf0 | c >> 18);
      *to++ = (char)(0x80 | (c >> 12 & 63));
    }
    *to++ = (char)(0x80 | (c >> 6 & 63));
  }
  *to++ = (char)(0x80 | (c & 63));
  return to;
}

/* Reads the digits of \uXXXX, and those of the second half of a pair. */
static bool read_escaped(pi__json *j, uint32_t *ret) {
  int32_t first = hex_word(j->at, j->end);
  if (first < 0) return fail(j, "\\u needs four hex digits");
  if (first >= 0xdc00 && first <= 0xdfff) return fail(j, "half a surrogate");
  *ret = (uint32_t)first;
  if (first < 0xd800 || first > 0xdbff) {
    j->at += 4;
    return true;
  }
  int32_t second = -1;
  if (j->end - j->at >= 10 && j->at[4] == '\\' && j->at[5] == 'u') {
    second = hex_word(j->at + 6, j->end);
  }
  if (second < 0xdc00 || second > 0xdfff) return fail(j, "half a surrogate");
  *ret = 0x10000 + ((uint32_t)(first - 0xd800) << 10) +
         (uint32_t)(second - 0xdc00);
  j->at += 10;
  return true;
}

/* Reads what stands behind a backslash. */
static bool read_escape(pi__json *j, uint32_t *ret) {
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (j->at == j->end) return fail(j, "a text without an end");
  char c = *j->at;
  if (c == 'u') {
    j->at++;
    return read_escaped(j, ret);
  }
  const char *letter = c == '\0' ? NULL : strchr(letters, c);
  if (letter == NULL) return fail(j, "no such escape");
  *ret = (uint8_t)meanings[letter - letters];
  j->at++;
  return true;
}

/* Is one of eight bytes less than `least` (at most 128)? Each byte borrows from
 * its own highest bit. */
static bool has_less(uint64_t word, uint8_t least) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  return ((word - ones * least) & ~word & ones << 7) != 0;
}

/* Eight characters that need no look of their own: most of a long text. */
static bool are_plain(const char *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return (word & ones << 7) == 0 && !has_less(word, 0x20) &&
         !has_less(word ^ ones * '"', 1) && !has_less(word ^ ones * '\\', 1);
}

static bool is_plain(char c) {
  return (uint8_t)c >= 0x20 && (uint8_t)c < 0x80 && c != '"' && c != '\\';
}

/* Reads one character that is not plain into *ret. */
static bool read_char(pi__json *j, uint32_t *ret) {
  if ((uint8_t)*j->at < 0x20) return fail(j, "a control character in a text");
  if (*j->at == '\\') {
    j->at++;
    return read_escape(j, ret);
  }
  size_t n = pi__utf8_read(j->at, (size_t)(j->end - j->at), ret);
  if (n == 0) return fail(j, "a byte that is not UTF-8");
  j->at += n;
  return true;
}

/* Reads a text; decodes it over itself if it is wanted (NULL: it is not), as no
 * escape is shorter than its meaning. */
static bool read_text(pi__json *j, pi__span *ret) {
  if (pi__json_next(j) != '"') return false;
  char *to = ++j->at;
  if (ret != NULL) ret->text = to;
  for (;;) {
    char *from = j->at;
    while (j->end - j->at >= 8 && are_plain(j->at)) j->at += 8;
    while (j->at < j->end && is_plain(*j->at)) j->at++;
    size_t n = (size_t)(j->at - from);
    if (ret != NULL && to != from) memmove(to, from, n);
    to += n;
    if (j->at == j->end) return fail(j, "a text without an end");
    if (*j->at == '"') break;
    uint32_t point;
    if (!read_char(j, &point)) return false;
    if (ret != NULL) to = put_utf8(to, point);
  }
  j->at++;
  if (ret != NULL) ret->length = (size_t)(to - ret->text);
  return true;
}

bool pi__json_text(pi__json *j, pi__span *ret) {
  return read_text(j, ret);
}

/* ---- Other values ------------------------------------------------------- */

static bool take_word(pi__json *j, const char *word) {
  size_t n = strlen(word);
  if ((size_t)(j->end - j->at) < n || memcmp(j->at, word, n) != 0) {
    return fail(j, "not a value");
  }
  j->at += n;
  return true;
}

bool pi__json_bool(pi__json *j, bool *ret) {
  char c = pi__json_next(j);
  if (c != 't' && c != 'f') return false;
  *ret = c == 't';
  return take_word(j, c == 't' ? "true" : "false");
}

/* Digits, one at least. */
static bool take_digits(pi__json *j) {
  if (j->at == j->end || !is_digit(*j->at)) return fail(j, "not a number");
  while (j->at < j->end && is_digit(*j->at)) j->at++;
  return true;
}

bool pi__json_number(pi__json *j, pi__span *ret) {
  if (pi__json_next(j) != '0') return false;
  ret->text = j->at;
  if (*j->at == '-') j->at++;
  if (j->at < j->end && *j->at == '0')
    j->at++;  // no digit may follow a leading zero
  else if (!take_digits(j))
    return false;
  if (j->at < j->end && *j->at == '.') {
    j->at++;
    if (!take_digits(j)) return false;
  }
  if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
    j->at++;
    if (j->at < j->end && (*j->at == '+' || *j->at == '-')) j->at++;
    if (!take_digits(j)) return false;
  }
  if (j->at < j->end && is_digit(*j->at)) return fail(j, "a leading zero");
  ret->length = (size_t)(j->at - ret->text);
  return true;
}

/* A value that holds no others. */
static bool skip_plain(pi__json *j) {
  pi__span span;
  bool yes;
  switch (pi__json_next(j)) {
  case '"': return read_text(j, NULL);
  case '0': return pi__json_number(j, &span);
  case 't':
  case 'f': return pi__json_bool(j, &yes);
  case 'n': return take_word(j, "null");
  default: return fail(j, "a value is missing");
  }
}

static bool skip_key(pi__json *j) {
  if (!read_text(j, NULL)) return fail(j, "a key is missing");
  return take(j, ':', "a colon is missing");
}

bool pi__json_skip(pi__json *j) {
  char brackets[PI__JSON_DEEPEST + 1];
  const unsigned outside = j->depth;
  bool first = true;
  do {
    char c = pi__json_next(j);
    if (c == '{' || c == '[') {
      if (!pi__json_enter(j, c)) return false;
      brackets[j->depth] = (char)(c + 2);  // its closing one, in ASCII
      first = true;
    } else if (!skip_plain(j)) {
      return false;
    } else {
      first = false;
    }
    // behind a value, or the start of some: out as far as they end here
    while (j->depth > outside) {
      // every depth beyond `outside` was entered above
      // cppcheck-suppress uninitvar
      char bracket = brackets[j->depth];
      if (step(j, first, bracket)) {
        if (bracket == '}' && !skip_key(j)) return false;
        break;
      }
      if (j->wrong != NULL) return false;
      first = false;
    }
  } while (j->depth > outside);
  return true;
}

bool pi__json_done(pi__json *j) {
  if (j->wrong != NULL) return false;
  skip_space(j);
  return j->at == j->end || fail(j, "more than one value");
}

/* ---- Base64 ------------------------------------------------------------- */

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pi__base64_decode(pi__span *span) {
  const char *from = span->text;
  char *to = span->text;
  size_t digits = span->length;
  if (digits % 4 != 0) return false;
  while (digits > 0 && span->length - digits < 2 && from[digits - 1] == '=') {
    digits--;
  }
  uint32_t bits = 0;
  for (size_t i = 0; i < digits; i++) {
    int digit = base64_digit(from[i]);
    if (digit < 0) return false;
    bits = bits << 6 | (uint32_t)digit;
    if (i % 4 != 0) *to++ = (char)(bits >> (6 - 2 * (i % 4)));
  }
  // what the last digit has beyond the last byte must be zero
  if (digits % 4 == 2 && (bits & 15) != 0) return false;
  if (digits % 4 == 3 && (bits & 3) != 0) return false;
  span->length = (size_t)(to - span->text);
  return true;
}
