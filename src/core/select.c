/* select.c: the rows that a filter picks. */
#include "filter.h"
#include "selection.h"
#include "sieve.h"

#include <stdlib.h>
#include <string.h>

static int list_reserve(pi__row_list *list, size_t more, pi_error *err) {
  return pi__reserve(&list->rows, &list->capacity, list->count + more,
                     sizeof *list->rows, err);
}

/* Adds the rows from `first` on that have this level. */
static int list_add(pi__row_list *list, const uint8_t *levels, size_t n,
                    uint8_t level, size_t first, pi_error *err) {
  size_t more = pi__level_count(levels, n, level);
  if (more == 0) return 0;
  int rc = list_reserve(list, more + 1, err);
  if (rc != 0) return rc;
  list->count += pi__level_rows(levels, n, level, (uint32_t)first,
                                list->rows + list->count);
  return 0;
}

static int list_all(pi__row_list *list, size_t n, pi_error *err) {
  int rc = list_reserve(list, n, err);
  if (rc != 0) return rc;
  for (size_t row = 0; row < n; row++) list->rows[row] = (uint32_t)row;
  list->count = n;
  return 0;
}

static int check_interrupt(const pi_snapshot *s, pi_error *err) {
  if (s->interrupted == NULL || !s->interrupted()) return 0;
  return pi__fail(err, PI_ECANCELED, 0, "interrupted");
}

static int sift_blocks(const pi_snapshot *s, pi__sieve *sieve,
                       pi_selection *sel, pi_error *err) {
  size_t n;
  for (size_t first = 0; first < s->count; first += n) {
    n = s->count - first;
    if (n > PI__BLOCK_ROWS) n = PI__BLOCK_ROWS;
    int rc = check_interrupt(s, err);
    if (rc != 0) return rc;
    const uint8_t *levels = pi__sieve_levels(sieve, first, n);
    rc = list_add(&sel->sure, levels, n, PI__YES, first, err);
    if (rc == 0) {
      rc = list_add(&sel->undecided, levels, n, PI__OPEN, first, err);
    }
    if (rc != 0) return rc;
  }
  return 0;
}

static int sift(const pi_snapshot *s, const pi_filter *filter,
                pi_selection *sel, pi_error *err) {
  sel->sure.count = sel->undecided.count = 0;
  if (filter == NULL || filter->node == PI__NODE_ALL) {
    int rc = check_interrupt(s, err);
    return rc != 0 ? rc : list_all(&sel->sure, s->count, err);
  }
  pi__sieve *sieve;
  int rc = pi__sieve_new(filter, s, &sieve, err);
  if (rc != 0) return rc;
  rc = sift_blocks(s, sieve, sel, err);
  pi__sieve_free(sieve);
  return rc;
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
    if (sel->undecided.count == 0) return 0;
    rc = pi_snapshot_complete(s, group, err);
    if (rc != 0) return rc;
  }
  return sift(s, filter, sel, err);
}

int pi__selection_new(pi_selection **ret, pi_error *err) {
  pi_selection *sel = pi__realloc(NULL, sizeof *sel);
  if (sel == NULL) return pi__nomem(err);
  memset(sel, 0, sizeof *sel);
  *ret = sel;
  return 0;
}

int pi__selection_add(pi_selection *sel, size_t row, pi_error *err) {
  int rc = list_reserve(&sel->sure, 1, err);
  if (rc == 0) sel->sure.rows[sel->sure.count++] = (uint32_t)row;
  return rc;
}

int pi_snapshot_select(pi_snapshot *s, const pi_filter *filter,
                       pi_selection **ret, pi_error *err) {
  pi_selection *sel = NULL;
  int rc = pi__selection_new(&sel, err);
  if (rc != 0) return rc;
  rc = sift_by_group(s, filter, sel, err);
  if (rc != 0) {
    pi_selection_free(sel);
    return rc;
  }
  *ret = sel;
  return 0;
}

void pi_selection_free(pi_selection *sel) {
  if (sel == NULL) return;
  pi__realloc(sel->sure.rows, 0);
  pi__realloc(sel->undecided.rows, 0);
  pi__realloc(sel->tallies, 0);
  pi__realloc(sel, 0);
}

size_t pi_selection_count(const pi_selection *sel) {
  return sel->sure.count;
}

size_t pi_selection_at(const pi_selection *sel, size_t i) {
  return sel->sure.rows[i];
}

size_t pi_selection_undecided_count(const pi_selection *sel) {
  return sel->undecided.count;
}

size_t pi_selection_undecided_at(const pi_selection *sel, size_t i) {
  return sel->undecided.rows[i];
}

void pi_selection_limit(pi_selection *sel, size_t most) {
  if (sel->sure.count > most) sel->sure.count = most;
}

void pi_selection_turn(pi_selection *sel) {
  pi__row_list sure = sel->sure;
  sel->sure = sel->undecided;
  sel->undecided = sure;
}

static int by_row(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

int pi_selection_narrow(pi_selection *sel, const uint8_t *truths,
                        pi_error *err) {
  pi__row_list *sure = &sel->sure, *undecided = &sel->undecided;
  const uint8_t *of_undecided = truths + sure->count;
  int rc = list_reserve(undecided, sure->count, err);
  if (rc != 0) return rc;
  size_t kept = 0, open = 0;
  for (size_t i = 0; i < undecided->count; i++) {
    if (of_undecided[i] == PI_FALSE) continue;
    undecided->rows[open++] = undecided->rows[i];
  }
  for (size_t i = 0; i < sure->count; i++) {
    if (truths[i] == PI_TRUE) sure->rows[kept++] = sure->rows[i];
    if (truths[i] == PI_UNDECIDED) undecided->rows[open++] = sure->rows[i];
  }
  sure->count = kept;
  undecided->count = open;
  qsort(undecided->rows, open, sizeof *undecided->rows, by_row);
  return 0;
}
