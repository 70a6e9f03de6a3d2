/* column.c: typed cells of a snapshot, what is not known of them, and the index
 * that finds rows by a number. */
#include "snapshot.h"

#include <string.h>

int pi__sight_set(pi_snapshot *s, size_t row, pi_field field, pi_sight sight,
                  pi_error *err) {
  pi__column *column = &s->columns[field];
  if (column->sight == NULL) {
    if (sight == PI_KNOWN) return 0;
    column->sight = pi__realloc(NULL, s->capacity);
    if (column->sight == NULL) return pi__nomem(err);
    memset(column->sight, PI_KNOWN, s->capacity);
  }
  column->sight[row] = (uint8_t)sight;
  return 0;
}

int pi__column_add(pi_snapshot *s, pi_field field, pi_error *err) {
  pi__column *column = &s->columns[field];
  if (column->cells != NULL || s->capacity == 0) return 0;
  column->cells = pi__realloc(NULL, s->capacity * pi__width(field));
  if (column->cells == NULL) return pi__nomem(err);
  memset(column->cells, 0, s->capacity * pi__width(field));
  return 0;
}

void pi__column_drop(pi_snapshot *s, pi_field field) {
  s->columns[field].cells = pi__realloc(s->columns[field].cells, 0);
  s->columns[field].sight = pi__realloc(s->columns[field].sight, 0);
}

/* Fibonacci hashing: the high bits of the product depend on all of the key. */
size_t pi__index_slot(const pi__index *index, uint64_t key) {
  key ^= key >> 29;
  return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & index->mask;
}

int pi__index_init(pi__index *index, size_t expected, pi_error *err) {
  size_t slots = 64;
  while (slots < expected * 2) slots *= 2;
  index->rows = pi__realloc(NULL, slots * sizeof *index->rows);
  if (index->rows == NULL) return pi__nomem(err);
  for (size_t i = 0; i < slots; i++) index->rows[i] = PI__NO_ROW;
  index->mask = slots - 1;
  index->used = 0;
  return 0;
}

void pi__index_deinit(pi__index *index) {
  index->rows = pi__realloc(index->rows, 0);
  index->used = 0;
}
