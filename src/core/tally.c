/* tally.c: which values there are among the selected rows, and how often. */
#include "selection.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

static uint64_t hash_value(uint64_t h, const pi_value *v) {
  h = mix(h, v->sight);
  if (v->sight != PI_KNOWN) return h;
  if (v->type == PI_TYPE_ADDRESS) {
    uint64_t halves[2];
    memcpy(halves, v->address.bytes, sizeof halves);
    return mix(mix(h, halves[0]), halves[1]);
  }
  if (v->type != PI_TYPE_TEXT) return mix(h, v->number);
  for (size_t i = 0; i < v->length; i++) h = mix(h, (uint8_t)v->text[i]);
  return mix(h, v->length);
}

static bool same_value(const pi_value *a, const pi_value *b) {
  if (a->sight != b->sight) return false;
  if (a->sight != PI_KNOWN) return true;
  if (a->type == PI_TYPE_ADDRESS) {
    return memcmp(&a->address, &b->address, sizeof a->address) == 0;
  }
  if (a->type != PI_TYPE_TEXT) return a->number == b->number;
  return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* What is counted: rows by their values of some fields. */
typedef struct counter {
  const pi_snapshot *snapshot;
  const pi_field *fields;
  size_t n;
  pi_selection
      *sel; /* its rows up to `used` stand for those that were counted */
  size_t used;
  pi__index index; /* of them */
} counter;

/* Is a field a number that stands in a column? Then no value need be made of
 * it, which is most of the work. */
static bool is_plain(const pi_snapshot *s, pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  return pi__width(field) != 0 && info->type != PI_TYPE_ADDRESS &&
         info->type != PI_TYPE_TEXT && (s->groups & info->group) != 0;
}

static uint64_t hash_field(uint64_t h, const pi_snapshot *s, size_t row,
                           pi_field field) {
  if (is_plain(s, field)) {
    pi_sight sight = pi__cell_sight(s, row, field);
    h = mix(h, sight);
    return sight == PI_KNOWN ? mix(h, pi__cell(s, row, field)) : h;
  }
  pi_value v = pi_snapshot_value(s, row, field, 0);
  return hash_value(h, &v);
}

static bool same_field(const pi_snapshot *s, size_t a, size_t b,
                       pi_field field) {
  if (is_plain(s, field)) {
    pi_sight sight = pi__cell_sight(s, a, field);
    if (sight != pi__cell_sight(s, b, field)) return false;
    return sight != PI_KNOWN || pi__cell(s, a, field) == pi__cell(s, b, field);
  }
  pi_value x = pi_snapshot_value(s, a, field, 0);
  pi_value y = pi_snapshot_value(s, b, field, 0);
  return same_value(&x, &y);
}

static uint64_t hash_row(const counter *c, size_t row) {
  uint64_t h = 1;
  for (size_t i = 0; i < c->n; i++) {
    h = hash_field(h, c->snapshot, row, c->fields[i]);
  }
  return h;
}

static bool same_row(const counter *c, size_t a, size_t b) {
  for (size_t i = 0; i < c->n; i++) {
    if (!same_field(c->snapshot, a, b, c->fields[i])) return false;
  }
  return true;
}

static void count_row(counter *c, uint32_t row) {
  uint32_t *rows = c->sel->sure.rows, *tallies = c->sel->tallies;
  size_t slot = pi__index_slot(&c->index, hash_row(c, row));
  for (;; slot = (slot + 1) & c->index.mask) {
    uint32_t at = c->index.rows[slot];
    if (at == PI__NO_ROW) break;
    if (!same_row(c, rows[at], row)) continue;
    tallies[at]++;
    return;
  }
  c->index.rows[slot] = (uint32_t)c->used;
  rows[c->used] = row;
  tallies[c->used++] = 1;
}

/* Leaves one row for all that have the same values, and how many those are. */
static int count(const pi_snapshot *s, pi_selection *sel,
                 const pi_field *fields, size_t n, pi_error *err) {
  counter c = {.snapshot = s, .fields = fields, .n = n, .sel = sel};
  uint32_t *tallies =
      pi__realloc(sel->tallies, (sel->sure.count + 1) * sizeof *tallies);
  if (tallies == NULL) return pi__nomem(err);
  sel->tallies = tallies;
  int rc = pi__index_init(&c.index, sel->sure.count, err);
  if (rc != 0) {
    sel->tallies = pi__realloc(sel->tallies, 0);
    return rc;
  }
  for (size_t i = 0; i < sel->sure.count; i++) count_row(&c, sel->sure.rows[i]);
  sel->sure.count = c.used;
  pi__index_deinit(&c.index);
  return 0;
}

int pi_selection_distinct(const pi_snapshot *s, pi_selection *sel,
                          const pi_field *fields, size_t n, pi_error *err) {
  int rc = count(s, sel, fields, n, err);
  sel->tallies = pi__realloc(sel->tallies, 0);
  return rc;
}

int pi_selection_tally(const pi_snapshot *s, pi_selection *sel,
                       const pi_field *fields, size_t n, pi_error *err) {
  static const pi_order most_first = {.field = -1, .down = true};
  int rc = count(s, sel, fields, n, err);
  if (rc != 0) return rc;
  return pi_selection_sort_by(s, sel, &most_first, 1, err);
}

uint64_t pi_selection_tally_at(const pi_selection *sel, size_t i) {
  return sel->tallies != NULL ? sel->tallies[i] : 1;
}

bool pi_selection_tallied(const pi_selection *sel) {
  return sel->tallies != NULL;
}
