/* load.c: reads a saved reading back: lines out of blocks, and the values that
 * stand in them. Whatever the bytes are, it ends with a snapshot or with the
 * line that is wrong. */
#include "load.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_LINE = 64 * 1024 * 1024, BLOCK = 64 * 1024 };

/* ---- Mistakes ----------------------------------------------------------- */

int pi__load_fail(const pi__loader *l, const char *format, ...) {
  char text[200];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return pi__fail(l->err, PI_EREPLY, 0, "line %llu: %s",
                  (unsigned long long)l->line, text);
}

int pi__load_unfit(const pi__loader *l, const char *name, const char *kind) {
  if (l->json.wrong == NULL) {
    return pi__load_fail(l, "%s: not %s", name, kind);
  }
  return pi__load_fail(l, "not JSON at byte %zu: %s",
                       (size_t)(l->json.at - l->json.start) + 1, l->json.wrong);
}

bool pi__span_is(const pi__span *span, const char *word) {
  return strlen(word) == span->length &&
         memcmp(span->text, word, span->length) == 0;
}

/* Says that a value is none of its kind; long ones are cut. */
static int fail_value(const pi__loader *l, const char *name,
                      const pi__span *span, const char *what) {
  int length = span->length > 40 ? 40 : (int)span->length;
  return pi__load_fail(l, "%s: %.*s%s %s", name, length, span->text,
                       span->length > 40 ? "..." : "", what);
}

/* ---- Values ------------------------------------------------------------- */

/* The number that digits spell; false if it is more than `most`. */
static bool digits_read(const pi__span *span, size_t at, uint64_t most,
                        uint64_t *ret) {
  uint64_t n = 0;
  for (; at < span->length; at++) {
    uint64_t digit = (uint64_t)(span->text[at] - '0');
    if (n > (most - digit) / 10) return false;
    n = n * 10 + digit;
  }
  *ret = n;
  return true;
}

static bool is_whole(const pi__span *span, size_t at) {
  for (size_t i = at; i < span->length; i++) {
    if (span->text[i] < '0' || span->text[i] > '9') return false;
  }
  return span->length > at;
}

int pi__load_number(pi__loader *l, const char *name, uint64_t most,
                    uint64_t *ret) {
  pi__span span;
  if (!pi__json_number(&l->json, &span)) {
    return pi__load_unfit(l, name, "a number");
  }
  const char *wrong = most == UINT16_MAX ? "is no port" : "is out of range";
  if (!is_whole(&span, 0)) {
    bool whole = is_whole(&span, 1);  // and less than nothing
    return fail_value(l, name, &span, whole ? wrong : "is no whole number");
  }
  if (!digits_read(&span, 0, most, ret)) {
    return fail_value(l, name, &span, wrong);
  }
  return 0;
}

int pi__load_u64(pi__loader *l, const char *name, void *to) {
  return pi__load_number(l, name, UINT64_MAX, to);
}

int pi__load_u32(pi__loader *l, const char *name, void *to) {
  uint64_t n = 0;
  int rc = pi__load_number(l, name, UINT32_MAX, &n);
  *(uint32_t *)to = (uint32_t)n;
  return rc;
}

int pi__load_size(pi__loader *l, const char *name, void *to) {
  uint64_t n = 0;
  int rc = pi__load_number(l, name, SIZE_MAX, &n);
  *(size_t *)to = (size_t)n;
  return rc;
}

int pi__load_port(pi__loader *l, const char *name, void *to) {
  uint64_t n = 0;
  int rc = pi__load_number(l, name, UINT16_MAX, &n);
  *(uint16_t *)to = (uint16_t)n;
  return rc;
}

int pi__load_time(pi__loader *l, const char *name, void *to) {
  pi__span span;
  uint64_t n;
  if (!pi__json_number(&l->json, &span)) {
    return pi__load_unfit(l, name, "a time");
  }
  bool minus = span.text[0] == '-';
  if (!is_whole(&span, minus)) {
    return fail_value(l, name, &span, "is no whole number");
  }
  // as long as years have four digits, so that any calendar can show it
  uint64_t most = minus ? UINT64_C(62135596800) : UINT64_C(253402300799);
  if (!digits_read(&span, minus, most, &n)) {
    return fail_value(l, name, &span, "is out of range");
  }
  *(int64_t *)to = minus ? -(int64_t)n : (int64_t)n;
  return 0;
}

int pi__load_bool(pi__loader *l, const char *name, void *to) {
  if (pi__json_bool(&l->json, to)) return 0;
  return pi__load_unfit(l, name, "true or false");
}

int pi__load_text(pi__loader *l, const char *name, void *to) {
  if (pi__json_text(&l->json, to)) return 0;
  return pi__load_unfit(l, name, "a text");
}

int pi__load_base64(pi__loader *l, const char *name, void *to) {
  int rc = pi__load_text(l, name, to);
  if (rc != 0 || pi__base64_decode(to)) return rc;
  return pi__load_fail(l, "%s: not base64", name);
}

int pi__load_word(pi__loader *l, const char *name, const char *const *words,
                  uint64_t *ret) {
  pi__span span;
  int rc = pi__load_text(l, name, &span);
  if (rc != 0) return rc;
  for (uint64_t i = 0; words[i] != NULL; i++) {
    if (!pi__span_is(&span, words[i])) continue;
    *ret = i;
    return 0;
  }
  return fail_value(l, name, &span, "is none of its words");
}

unsigned pi__load_field_find(const pi__span *name, unsigned from) {
  static const struct {
    const char *name;
    size_t length;
  } names[PI_FIELD_COUNT] = {
#define X(ID, name, ...) {#name, sizeof #name - 1},
      PI_FIELDS(X)
#undef X
  };
  for (unsigned i = 0; i < PI_FIELD_COUNT; i++) {
    unsigned f =
        from + i < PI_FIELD_COUNT ? from + i : from + i - PI_FIELD_COUNT;
    if (names[f].length != name->length) continue;
    if (memcmp(names[f].name, name->text, name->length) == 0) return f;
  }
  return PI_FIELD_COUNT;
}

/* Fields that this schema does not have are left out. */
int pi__load_fields(pi__loader *l, const char *name, void *to) {
  uint64_t bits = 0;
  unsigned from = 0;
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, name, "a list of fields");
  }
  for (bool first = true; pi__json_element(&l->json, first); first = false) {
    pi__span span;
    int rc = pi__load_text(l, name, &span);
    if (rc != 0) return rc;
    unsigned field = pi__load_field_find(&span, from);
    if (field == PI_FIELD_COUNT) continue;
    bits |= PI__BIT(field);
    from = field + 1;
  }
  *(uint64_t *)to = bits;
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, name, "");
}

/* Members mostly come in the order of the keys, so each is looked for behind
 * the one before. */
static size_t key_find(const pi__key *keys, size_t n, const pi__span *name,
                       size_t from) {
  for (size_t i = 0; i < n; i++) {
    size_t at = from + i < n ? from + i : from + i - n;
    if (pi__span_is(name, keys[at].name)) return at;
  }
  return n;
}

int pi__load_object(pi__loader *l, const char *name, const pi__key *keys,
                    size_t n, void *into, uint64_t *seen) {
  pi__span member;
  size_t from = 0;
  *seen = 0;
  if (!pi__json_enter(&l->json, '{')) {
    return pi__load_unfit(l, name, "an object");
  }
  for (bool first = true; pi__json_member(&l->json, first, &member);
       first = false) {
    size_t at = key_find(keys, n, &member, from);
    if (at == n) {
      if (!pi__json_skip(&l->json)) return pi__load_unfit(l, name, "");
      continue;
    }
    if (*seen >> at & 1) {
      return pi__load_fail(l, "%s: comes twice", keys[at].name);
    }
    *seen |= UINT64_C(1) << at;
    int rc = keys[at].read(l, keys[at].name, (char *)into + keys[at].offset);
    if (rc != 0) return rc;
    from = at + 1;
  }
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, name, "");
}

/* ---- Lines -------------------------------------------------------------- */

/* Reads another block behind what is there. */
static int fill(pi__loader *l) {
  if (l->from > 0) {
    memmove(l->buffer, l->buffer + l->from, l->to - l->from);
    l->to -= l->from;
    l->from = 0;
  }
  if (l->to >= LONGEST_LINE) {
    return pi__load_fail(l, "longer than %d MiB", LONGEST_LINE >> 20);
  }
  int rc = pi__reserve(&l->buffer, &l->capacity, l->to + BLOCK, 1, l->err);
  if (rc != 0) return rc;
  if (pi__interrupted((pi__reading *)l->s)) {
    return pi__fail(l->err, PI_ECANCELED, 0, "interrupted");
  }
  ptrdiff_t n = l->read(l->arg, l->buffer + l->to, BLOCK);
  if (n < 0) {
    int os = n < -INT_MAX ? 0 : (int)-n;
    return pi__fail(l->err, PI_EOS, os, "%s", strerror(os));
  }
  l->to += (size_t)n;
  l->ended = n == 0;
  return 0;
}

/* Makes the next line the one at hand; *whole: it is there, with its end. What
 * the file ends with otherwise is left in the buffer. */
static int next_line(pi__loader *l, bool *whole) {
  size_t seen = 0;
  l->line++;
  for (;;) {
    char *line = l->buffer + l->from;
    size_t length = l->to - l->from;
    char *end = length > seen ? memchr(line + seen, '\n', length - seen) : NULL;
    *whole = end != NULL;
    if (end != NULL) {
      l->json = pi__json_of(line, (size_t)(end - line));
      l->from += (size_t)(end - line) + 1;
      return 0;
    }
    if (l->ended) return 0;
    seen = length;
    int rc = fill(l);
    if (rc != 0) return rc;
  }
}

/* ---- The whole ---------------------------------------------------------- */

static const char head_begins[] = "{\"portinfo\":\"reading\"";

/* Can the first bytes begin a reading? What cannot need not be read on. */
static int check_start(pi__loader *l) {
  l->line = 1;
  while (l->to < 4 && !l->ended) {  // a pipe may give them one by one
    int rc = fill(l);
    if (rc != 0) return rc;
  }
  if (l->to == 0) return pi__load_fail(l, "the file is empty");
  if (l->to >= 3 && memcmp(l->buffer, "\xef\xbb\xbf", 3) == 0) {
    return pi__load_fail(l, "begins with a byte order mark: save it without");
  }
  l->json = pi__json_of(l->buffer, l->to);
  char c = pi__json_next(&l->json);
  if (c != '{') return pi__load_fail(l, "not a reading of portinfo");
  l->line = 0;
  return 0;
}

static int load_head(pi__loader *l) {
  bool whole;
  int rc = next_line(l, &whole);
  if (rc != 0) return rc;
  if (whole) return pi__load_head(l);
  size_t n = l->to - l->from;
  if (n > sizeof head_begins - 1) n = sizeof head_begins - 1;
  if (memcmp(l->buffer + l->from, head_begins, n) == 0) {
    return pi__load_fail(l, "the file ends in the middle of the head");
  }
  return pi__load_fail(l, "not a reading of portinfo");
}

static int load_rows(pi__loader *l) {
  for (;;) {
    bool whole;
    int rc = next_line(l, &whole);
    if (rc != 0) return rc;
    unsigned long long promised = l->rows, here = l->s->count;
    if (here == promised) {
      if (!whole && l->from == l->to) return 0;
      return pi__load_fail(l, "the head promises %llu rows, here is more",
                           promised);
    }
    if (!whole && l->from == l->to) {
      return pi__load_fail(l, "the head promises %llu rows, %llu are here",
                           promised, here);
    }
    if (!whole) {
      return pi__load_fail(l, "the file ends in the middle of a row");
    }
    rc = pi__load_row(l);
    if (rc != 0) return rc;
  }
}

static int load(pi__loader *l) {
  int rc = check_start(l);
  if (rc == 0) rc = load_head(l);
  if (rc == 0) rc = load_rows(l);
  pi__realloc(l->buffer, 0);
  pi__realloc(l->hashes, 0);
  pi__index_deinit(&l->processes);
  return rc;
}

int pi_snapshot_load(pi_reader read, void *arg, bool (*interrupted)(void),
                     pi_snapshot **ret, pi_error *err) {
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  if (s == NULL) return pi__nomem(err);
  memset(s, 0, sizeof(pi__reading));
  s->loaded = true;
  s->interrupted = interrupted;
  pi__loader l = {.s = s, .read = read, .arg = arg, .err = err};
  int rc = load(&l);
  if (rc != 0) {
    pi_snapshot_free(s);
    return rc;
  }
  *ret = s;
  return 0;
}
