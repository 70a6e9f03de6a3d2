/* kept.h: a reading in every format, and the same when it is saved and loaded
 * again. */
#ifndef PI_TESTS_FUZZ_KEPT_H
#define PI_TESTS_FUZZ_KEPT_H

#include "fuzz.h"

#include "../c/saved.h"
#include "json.h"

/* A line of cells: so many, and nothing in them that would end one. A quote
 * within a cell of CSV is spelled, so that every other one ends a cell. */
static inline void is_separated(const char *line, size_t length, bool csv) {
  size_t cells = 1;
  bool quoted = false;
  for (size_t i = 0; i < length; i++) {
    must((unsigned char)line[i] >= 0x20 || (line[i] == '\t' && !csv));
    if (csv && line[i] == '"') quoted = !quoted;
    cells += line[i] == (csv ? ',' : '\t') && !quoted;
  }
  must(cells == PI_FIELD_COUNT && !quoted);
}

static inline void is_in_format(const saved *f, pi_format format, size_t rows) {
  if (format == PI_JSON) {
    must(is_json(f->bytes, f->length, 8));
    return;
  }
  size_t lines = 0;
  const char *at = f->bytes, *end = f->bytes + f->length, *newline;
  for (; at < end; at = newline + 1, lines++) {
    newline = memchr(at, '\n', (size_t)(end - at));
    must(newline != NULL);
    size_t length = (size_t)(newline - at);
    if (format == PI_NDJSON)
      must(is_json(at, length, 8));
    else
      is_separated(at, length, format == PI_CSV);
  }
  must(lines == rows + (format != PI_NDJSON));
}

/* All of it, in every format; the last is what is compared. */
static inline saved shown(pi_snapshot *s) {
  pi_field fields[PI_FIELD_COUNT];
  pi_selection *all = NULL;
  saved f = {0};
  for (int i = 0; i < PI_FIELD_COUNT; i++) fields[i] = (pi_field)i;
  must(pi_snapshot_select(s, NULL, &all, NULL) == 0);
  for (int format = PI_TSV; format <= PI_NDJSON; format++) {
    f.length = 0;
    must(pi_emit(s, all, (pi_format)format, 0, fields, PI_FIELD_COUNT,
                 saved_take, &f, NULL) == 0);
    is_in_format(&f, (pi_format)format, pi_snapshot_count(s));
  }
  pi_selection_free(all);
  return f;
}

static inline bool same_bytes(const saved *a, const saved *b) {
  return a->length == b->length &&
         (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static inline void is_kept(pi_snapshot *s) {
  saved f = {0};
  pi_snapshot *t = NULL;
  pi_diff d;
  const char *filter = pi_snapshot_filter(s);
  must(pi_snapshot_save(s, NULL, filter, saved_take, &f, NULL) == 0);
  must(pi_snapshot_load(saved_give, &f, NULL, &t, NULL) == 0);
  saved a = shown(s), b = shown(t);
  must(same_bytes(&a, &b));
  must(pi_snapshot_diff(s, NULL, t, NULL, &d, NULL) == 0);
  must(pi_selection_count(d.added) == pi_selection_count(d.removed));
  pi_diff_deinit(&d);
  saved_free(&a);
  saved_free(&b);
  saved_free(&f);
  pi_snapshot_free(t);
}

#endif
