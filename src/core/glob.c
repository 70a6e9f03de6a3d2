/* glob.c: texts of a filter against texts of a row, as they stand or with
 * wildcards. */
#include "filter.h"
#include "utf8.h"

#include <string.h>

static char fold_char(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_char(char a, char b, bool fold) {
  return fold ? fold_char(a) == fold_char(b) : a == b;
}

bool pi__same_text(const char *a, const char *b, size_t length, bool fold) {
  for (size_t i = 0; i < length; i++) {
    if (!same_char(a[i], b[i], fold)) return false;
  }
  return true;
}

/* Bytes of the character at `text`; 1 where it is malformed. */
static size_t char_length(const char *text, size_t length) {
  uint32_t point;
  size_t n = pi__utf8_read(text, length, &point);
  return n == 0 ? 1 : n;
}

/* Matches one character of the glob other than `*`; moves both on. */
static bool glob_step(const char *glob, size_t *g, size_t glob_length,
                      const char *text, size_t *t, size_t length, bool fold) {
  size_t n = char_length(text + *t, length - *t);
  if (glob[*g] == '?') {
    *t += n;
    ++*g;
    return true;
  }
  bool quoted = glob[*g] == '[' && *g + 2 < glob_length && glob[*g + 2] == ']';
  size_t at = *g + quoted;
  if (char_length(glob + at, glob_length - at) != n ||
      !pi__same_text(glob + at, text + *t, n, fold)) {
    return false;
  }
  *g = at + n + quoted;
  *t += n;
  return true;
}

/* Only the last star is ever tried again, so the time is at most the product of
 * the lengths, and the stack constant. */
bool pi__glob(const char *glob, size_t glob_length, const char *text,
              size_t length, bool fold) {
  size_t g = 0, t = 0, star = SIZE_MAX, resume = 0;
  while (t < length) {
    if (g < glob_length && glob[g] == '*') {
      star = ++g;
      resume = t;
      continue;
    }
    if (g < glob_length &&
        glob_step(glob, &g, glob_length, text, &t, length, fold)) {
      continue;
    }
    if (star == SIZE_MAX) return false;
    g = star;
    resume += char_length(text + resume, length - resume);
    t = resume;
  }
  while (g < glob_length && glob[g] == '*') g++;
  return g == glob_length;
}
