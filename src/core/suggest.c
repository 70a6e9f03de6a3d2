/* suggest.c: what a misspelt word was probably meant to be. */
#include "../portinfo.h"

#include <string.h>

enum { LONGEST = 32 };

static char fold(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

/* Slips between two short words: a letter missing, added, wrong, or two
 * neighbours exchanged (optimal string alignment). */
static unsigned slips(const char *a, size_t m, const char *b, size_t n) {
  unsigned rows[3][LONGEST + 1];
  for (size_t j = 0; j <= n; j++) rows[0][j] = (unsigned)j;
  for (size_t i = 1; i <= m; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
    const unsigned *twice = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= n; j++) {
      bool same = fold(a[i - 1]) == fold(b[j - 1]);
      row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
      bool crossed = i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                     fold(a[i - 2]) == fold(b[j - 1]);
      if (crossed) row[j] = least(row[j], twice[j - 2] + 1);
    }
  }
  return rows[m % 3][n];
}

const char *pi_nearest(const char *word, size_t length,
                       const char *const *candidates, size_t n) {
  if (length == 0 || length > LONGEST) return NULL;
  const char *best = NULL;
  unsigned limit = length < 4 ? 1 : 2;  // of short words everything is near
  for (size_t i = 0; i < n; i++) {
    size_t other = strlen(candidates[i]);
    if (other > LONGEST || other > length + 2 || length > other + 2) continue;
    unsigned d = slips(word, length, candidates[i], other);
    if (d > limit || (best != NULL && d == limit)) continue;
    best = candidates[i];
    limit = d;
  }
  return best;
}
