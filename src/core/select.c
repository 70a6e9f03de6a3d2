/* select.c: the rows that a filter picks, and the order people read them in. */
#include "filter.h"
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

struct pi_selection {
  uint32_t *rows;
  size_t count, capacity;
  uint32_t *undecided;
  size_t undecided_count, undecided_capacity;
};

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

/* ---- Order -------------------------------------------------------------- */

typedef struct sort_key {
  uint64_t major; /* listening or not, protocol, local port */
  pi_address laddr, raddr;
  uint16_t rport;
  uint32_t row;
} sort_key;

static bool listens(const pi_snapshot *s, size_t row) {
  if (pi__cell(s, row, PI_STATE) == PI_STATE_LISTEN) return true;
  return (s->groups & PI_GROUP_DERIVED) &&
         pi__cell_sight(s, row, PI_ROLE) == PI_KNOWN &&
         pi__cell(s, row, PI_ROLE) == PI_ROLE_SERVICE;
}

static sort_key key_of(const pi_snapshot *s, uint32_t row) {
  uint64_t proto = pi__cell(s, row, PI_PROTO);
  return (sort_key){
      .major = (uint64_t)!listens(s, row) << 32 | proto << 16 |
               pi__cell(s, row, PI_LPORT),
      .laddr = *pi__cell_address(s, row, PI_LADDR),
      .raddr = *pi__cell_address(s, row, PI_RADDR),
      .rport = (uint16_t)pi__cell(s, row, PI_RPORT),
      .row = row,
  };
}

static int by_key(const void *a, const void *b) {
  const sort_key *x = a, *y = b;
  if (x->major != y->major) return x->major < y->major ? -1 : 1;
  int c = memcmp(&x->laddr, &y->laddr, sizeof x->laddr);
  if (c == 0) c = memcmp(&x->raddr, &y->raddr, sizeof x->raddr);
  if (c != 0) return c;
  if (x->rport != y->rport) return x->rport < y->rport ? -1 : 1;
  return x->row < y->row ? -1 : 1;
}

int pi_selection_sort(const pi_snapshot *s, pi_selection *sel, pi_error *err) {
  if (sel->count < 2) return 0;
  sort_key *keys = pi__realloc(NULL, sel->count * sizeof *keys);
  if (keys == NULL) return pi__nomem(err);
  for (size_t i = 0; i < sel->count; i++) keys[i] = key_of(s, sel->rows[i]);
  qsort(keys, sel->count, sizeof *keys, by_key);
  for (size_t i = 0; i < sel->count; i++) sel->rows[i] = keys[i].row;
  pi__realloc(keys, 0);
  return 0;
}
