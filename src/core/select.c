/* select.c: the rows that a filter picks. */
#include "filter.h"
#include "selection.h"

#include <stdlib.h>
#include <string.h>

static int add(uint32_t **rows, size_t *count, size_t *capacity, size_t row,
               pi_error *err) {
  int rc = pi__reserve(rows, capacity, *count + 1, sizeof **rows, err);
  if (rc != 0) return rc;
  (*rows)[(*count)++] = (uint32_t)row;
  return 0;
}

static int sift(const pi_snapshot *s, const pi_filter *filter,
                pi_selection *sel, pi_error *err) {
  sel->count = sel->undecided_count = 0;
  for (size_t row = 0; row < s->count; row++) {
    if (row % 1024 == 0 && s->interrupted != NULL && s->interrupted()) {
      return pi__fail(err, PI_ECANCELED, 0, "interrupted");
    }
    pi_truth t = filter == NULL ? PI_TRUE : pi_filter_test(filter, s, row);
    int rc = 0;
    if (t == PI_TRUE) {
      rc = add(&sel->rows, &sel->count, &sel->capacity, row, err);
    } else if (t == PI_UNDECIDED) {
      rc = add(&sel->undecided, &sel->undecided_count, &sel->undecided_capacity,
               row, err);
    }
    if (rc != 0) return rc;
  }
  return 0;
}

/* Reads the groups that the filter needs, cheap ones first, and only as long as
 * some row depends on them: fields not yet read leave a row undecided. */
static int sift_by_group(pi_snapshot *s, const pi_filter *filter,
                         pi_selection *sel, pi_error *err) {
  unsigned needed = filter == NULL ? 0 : pi_filter_groups(filter);
  for (unsigned group = 1; group <= PI_GROUPS; group <<= 1) {
    if (!(needed & group & ~s->groups)) continue;
    int rc = sift(s, filter, sel, err);
    if (rc != 0) return rc;
    if (sel->undecided_count == 0) return 0;
    rc = pi_snapshot_complete(s, group, err);
    if (rc != 0) return rc;
  }
  return sift(s, filter, sel, err);
}

int pi_snapshot_select(pi_snapshot *s, const pi_filter *filter,
                       pi_selection **ret, pi_error *err) {
  pi_selection *sel = pi__realloc(NULL, sizeof *sel);
  if (sel == NULL) return pi__nomem(err);
  memset(sel, 0, sizeof *sel);
  int rc = sift_by_group(s, filter, sel, err);
  if (rc != 0) {
    pi_selection_free(sel);
    return rc;
  }
  *ret = sel;
  return 0;
}

void pi_selection_free(pi_selection *sel) {
  if (sel == NULL) return;
  pi__realloc(sel->rows, 0);
  pi__realloc(sel->undecided, 0);
  pi__realloc(sel->tallies, 0);
  pi__realloc(sel, 0);
}

size_t pi_selection_count(const pi_selection *sel) {
  return sel->count;
}

size_t pi_selection_at(const pi_selection *sel, size_t i) {
  return sel->rows[i];
}

size_t pi_selection_undecided_count(const pi_selection *sel) {
  return sel->undecided_count;
}

size_t pi_selection_undecided_at(const pi_selection *sel, size_t i) {
  return sel->undecided[i];
}

void pi_selection_limit(pi_selection *sel, size_t most) {
  if (sel->count > most) sel->count = most;
}

void pi_selection_turn(pi_selection *sel) {
  pi_selection old = *sel;
  sel->rows = old.undecided;
  sel->count = old.undecided_count;
  sel->capacity = old.undecided_capacity;
  sel->undecided = old.rows;
  sel->undecided_count = old.count;
  sel->undecided_capacity = old.capacity;
}

static int by_row(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

int pi_selection_narrow(pi_selection *sel, const uint8_t *truths,
                        pi_error *err) {
  const uint8_t *of_undecided = truths + sel->count;
  int rc =
      pi__reserve(&sel->undecided, &sel->undecided_capacity,
                  sel->undecided_count + sel->count, sizeof(uint32_t), err);
  if (rc != 0) return rc;
  size_t kept = 0, open = 0;
  for (size_t i = 0; i < sel->undecided_count; i++) {
    if (of_undecided[i] != PI_FALSE) sel->undecided[open++] = sel->undecided[i];
  }
  for (size_t i = 0; i < sel->count; i++) {
    if (truths[i] == PI_TRUE) sel->rows[kept++] = sel->rows[i];
    if (truths[i] == PI_UNDECIDED) sel->undecided[open++] = sel->rows[i];
  }
  sel->count = kept;
  sel->undecided_count = open;
  qsort(sel->undecided, open, sizeof *sel->undecided, by_row);
  return 0;
}
