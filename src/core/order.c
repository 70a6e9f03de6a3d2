/* order.c: selections in order: the one that people read, or by any fields. */
#include "selection.h"

#include <stdlib.h>
#include <string.h>

/* ---- As people read ----------------------------------------------------- */

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
  if (sel->sure.count < 2) return 0;
  sort_key *keys = pi__realloc(NULL, sel->sure.count * sizeof *keys);
  if (keys == NULL) return pi__nomem(err);
  for (size_t i = 0; i < sel->sure.count; i++)
    keys[i] = key_of(s, sel->sure.rows[i]);
  qsort(keys, sel->sure.count, sizeof *keys, by_key);
  for (size_t i = 0; i < sel->sure.count; i++) sel->sure.rows[i] = keys[i].row;
  pi__realloc(keys, 0);
  return 0;
}

/* ---- By fields ---------------------------------------------------------- */

/* One value of one row. Rows with a value come first, in either direction, then
 * those that have none, then those of which it is unknown. */
typedef struct sort_cell {
  pi_sight sight;
  bool down;
  uint64_t number;
  pi_address address;
  const char *text;
  size_t length;
  size_t place; /* keeps equal ones as they stood */
} sort_cell;

static int compare_texts(const sort_cell *x, const sort_cell *y) {
  size_t n = x->length < y->length ? x->length : y->length;
  int c = n > 0 ? memcmp(x->text, y->text, n) : 0;
  return c != 0 ? c : (x->length > y->length) - (x->length < y->length);
}

static int by_cell(const void *a, const void *b) {
  const sort_cell *x = a, *y = b;
  if (x->sight != y->sight) return x->sight < y->sight ? -1 : 1;
  int c = (x->number > y->number) - (x->number < y->number);
  if (c == 0) c = memcmp(&x->address, &y->address, sizeof x->address);
  if (c == 0) c = compare_texts(x, y);
  if (c != 0) return x->down ? -c : c;
  return x->place < y->place ? -1 : 1;
}

static sort_cell cell_of(const pi_snapshot *s, const pi_selection *sel,
                         size_t place, const pi_order *key) {
  sort_cell cell = {.down = key->down, .place = place};
  if (key->field < 0) {
    cell.number = pi_selection_tally_at(sel, place);
    return cell;
  }
  pi_value v =
      pi_snapshot_value(s, sel->sure.rows[place], (pi_field)key->field, 0);
  cell.sight = v.sight;
  if (v.sight != PI_KNOWN) return cell;
  cell.address = v.address;
  cell.number = v.number;
  if (v.type != PI_TYPE_TEXT) return cell;
  cell.text = v.text;
  cell.length = v.length;
  return cell;
}

/* Puts items of 32 bits in the order of the cells. */
static void arrange(uint32_t *items, uint32_t *scratch, const sort_cell *cells,
                    size_t n) {
  if (items == NULL) return;
  memcpy(scratch, items, n * sizeof *items);
  for (size_t i = 0; i < n; i++) items[i] = scratch[cells[i].place];
}

int pi_selection_sort_by(const pi_snapshot *s, pi_selection *sel,
                         const pi_order *keys, size_t n, pi_error *err) {
  if (sel->sure.count < 2) return 0;
  sort_cell *cells = pi__realloc(NULL, sel->sure.count * sizeof *cells);
  uint32_t *scratch = pi__realloc(NULL, sel->sure.count * sizeof *scratch);
  int rc = cells == NULL || scratch == NULL ? pi__nomem(err) : 0;
  // the last key first: each sort keeps what the ones before it did to equals
  for (size_t k = n; rc == 0 && k-- > 0;) {
    for (size_t i = 0; i < sel->sure.count; i++) {
      cells[i] = cell_of(s, sel, i, &keys[k]);
    }
    qsort(cells, sel->sure.count, sizeof *cells, by_cell);
    arrange(sel->sure.rows, scratch, cells, sel->sure.count);
    arrange(sel->tallies, scratch, cells, sel->sure.count);
  }
  pi__realloc(cells, 0);
  pi__realloc(scratch, 0);
  return rc;
}
