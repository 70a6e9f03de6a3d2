/* search.c: pi_search, a word among all that is known by name.
 *
 * The tables are gone through once, and each row's match is noted; then the
 * matches are told class by class. Both tables go by port, so that telling
 * them by port takes no sorting.
 */
#include "registry.h"

enum { NONE = PI_MATCH_DESCRIPTION + 1 };

typedef struct word {
  const char *bytes;
  size_t length;
} word;

/* Is the text's beginning the word? The text's end is a byte like others: a
 * NUL in the word matches nothing. */
static bool begins(const char *text, const word *w) {
  for (size_t i = 0; i < w->length; i++)
    if (text[i] == '\0' || pi__lower(text[i]) != pi__lower(w->bytes[i]))
      return false;
  return true;
}

/* Letters, digits and what is not ASCII belong to a word. */
static bool is_inside(char c) {
  unsigned char byte = pi__lower(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
         byte >= 0x80;
}

/* How well a text matches: as a word, as a part, or not at all. */
static uint8_t match_text(const char *text, const word *w) {
  uint8_t best = NONE;
  for (const char *at = text; *at; at++) {
    if (!begins(at, w)) continue;
    bool starts = at == text || !is_inside(at[-1]);
    if (starts && !is_inside(at[w->length])) return PI_MATCH_WORD;
    best = PI_MATCH_DESCRIPTION;
  }
  return best;
}

/* How well a name matches: as the whole, as its beginning, or as a text. */
static uint8_t match_name(const char *name, const word *w) {
  if (!begins(name, w)) return match_text(name, w);
  return name[w->length] == '\0' ? PI_MATCH_EXACT : PI_MATCH_PREFIX;
}

static uint8_t better(uint8_t a, uint8_t b) {
  return a < b ? a : b;
}

static uint8_t match_record(const pi__record_row *row, const word *w) {
  uint8_t match = match_name(pi__string(row->name), w);
  if (match <= PI_MATCH_WORD) return match;
  return better(match, match_text(pi__string(row->description), w));
}

static uint8_t match_use(const pi__use_row *row, const word *w) {
  uint8_t match = match_name(pi__string(row->id), w);
  if (match <= PI_MATCH_WORD) return match;
  match = better(match, match_text(pi__string(row->software), w));
  return better(match, match_text(pi__string(row->use), w));
}

/* Calls `visit` for the hits of one class: by port, a record before a use of
 * the same port, records without a port last. */
static int tell(uint8_t match, const uint8_t *records, const uint8_t *uses,
                int (*visit)(void *arg, const pi_hit *hit), void *arg) {
  size_t r = 0, u = 0;
  for (;;) {
    while (r < pi__record_count && records[r] != match) r++;
    while (u < pi__use_count && uses[u] != match) u++;
    if (r == pi__record_count && u == pi__use_count) return 0;
    pi_hit hit = {.match = (pi_match)match, .is_use = u < pi__use_count};
    if (hit.is_use && r < pi__records_with_port)
      hit.is_use = pi__uses[u].first < pi__records[r].first;
    if (hit.is_use)
      pi__use_at(u++, &hit.use);
    else
      pi__record_at(r++, &hit.record);
    int result = visit(arg, &hit);
    if (result != 0) return result;
  }
}

int pi_search(const char *bytes, size_t length,
              int (*visit)(void *arg, const pi_hit *hit), void *arg) {
  const word w = {bytes, length};
  uint8_t records[PI__MAX_RECORDS], uses[PI__MAX_USES];
  if (length == 0) return 0;  // no word: not everything, but nothing
  for (size_t i = 0; i < pi__record_count; i++)
    records[i] = match_record(&pi__records[i], &w);
  for (size_t i = 0; i < pi__use_count; i++)
    uses[i] = match_use(&pi__uses[i], &w);
  for (uint8_t match = 0; match < NONE; match++) {
    int result = tell(match, records, uses, visit, arg);
    if (result != 0) return result;
  }
  return 0;
}
