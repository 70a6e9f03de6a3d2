/* glob.c: any bytes at all, as a glob and as the text that it is held against.
 *
 * The answer is that of the definition, tried in every way: `*` is any run of
 * characters, `?` is one, `[x]` is x; a byte that is of no character counts as
 * one.
 *
 * An input is a byte (whether case counts), the length of the glob in another,
 * the glob, and the text.
 */
#include "fuzz.h"

#include "core/filter.h"
#include "core/utf8.h"

enum { MOST = 256 };

/* A text as characters: the bytes of each. */
typedef struct characters {
  const char *text;
  size_t start[MOST + 1], count; /* the last ends where the next would begin */
} characters;

static characters characters_of(const char *text, size_t length) {
  characters c = {.text = text};
  uint32_t point;
  for (size_t i = 0; i < length;) {
    size_t n = pi__utf8_read(text + i, length - i, &point);
    c.start[c.count++] = i;
    i += n > 0 ? n : 1;
  }
  c.start[c.count] = length;
  return c;
}

static int fold(char c) {
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool same(const characters *a, size_t i, const characters *b, size_t k,
                 bool folds) {
  size_t n = a->start[i + 1] - a->start[i];
  if (n != b->start[k + 1] - b->start[k]) return false;
  for (size_t j = 0; j < n; j++) {
    char x = a->text[a->start[i] + j], y = b->text[b->start[k] + j];
    if (folds ? fold(x) != fold(y) : x != y) return false;
  }
  return true;
}

/* What is quoted is a single byte. */
static bool is_quoted(const characters *glob, size_t g) {
  return glob->text[glob->start[g]] == '[' && g + 2 < glob->count &&
         glob->text[glob->start[g + 2]] == ']' &&
         glob->start[g + 2] == glob->start[g] + 2;
}

/* row[t]: does what is left of the glob match the text from t on? From the end
 * of the glob to its beginning. */
static bool by_definition(const characters *glob, const characters *text,
                          bool folds) {
  bool row[MOST + 1] = {false}, next[MOST + 1];
  size_t behind[MOST + 1], steps = 0;
  for (size_t g = 0; g < glob->count; g += is_quoted(glob, g) ? 3 : 1) {
    behind[steps++] = g;
  }
  row[text->count] = true;
  while (steps-- > 0) {
    size_t g = behind[steps];
    char c = glob->text[glob->start[g]];
    size_t meant = is_quoted(glob, g) ? g + 1 : g;
    memcpy(next, row, sizeof next);
    for (size_t t = text->count + 1; t-- > 0;) {
      bool more = t < text->count;
      if (c == '*')
        row[t] = next[t] || (more && row[t + 1]);
      else if (c == '?')
        row[t] = more && next[t + 1];
      else
        row[t] = more && same(glob, meant, text, t, folds) && next[t + 1];
    }
  }
  return row[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  bool folds = take_byte(&in) & 1;
  size_t length = take_byte(&in);
  if (length > in.left) length = in.left;
  if (length >= MOST || in.left - length >= MOST) return 0;
  char *glob = copy_of(in.at, length);
  char *text = copy_of(in.at + length, in.left - length);
  characters g = characters_of(glob, length);
  characters t = characters_of(text, in.left - length);
  must(pi__glob(glob, length, text, in.left - length, folds) ==
       by_definition(&g, &t, folds));
  free(glob);
  free(text);
  return 0;
}
