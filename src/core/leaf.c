/* leaf.c: the tests at the leaves of a filter, by loops over columns where
 * there are such (kernel.c). What pi_filter_test says of one row is the measure
 * of them all, and the way of those that have no loop.
 */
#include "leaf.h"

#include <string.h>

/* In tenths of a nanosecond a row, about: for the order that tests are asked
 * in.
 */
static const unsigned costs[] = {
    [PI__WAY_FIXED] = 0, [PI__WAY_SEEN] = 1,   [PI__WAY_WITHIN] = 2,
    [PI__WAY_BITS] = 10, [PI__WAY_AMONG] = 50, [PI__WAY_TEXT] = 20,
    [PI__WAY_NAME] = 30, [PI__WAY_ROW] = 300,
};

/* More spans than this, and one loop that looks up is faster than many that
 * compare, as many at a time as fit a vector. By the width of a cell. */
static const uint8_t most_loops[] = {
    [1] = 255, [2] = 16, [4] = 8, [8] = 6, [16] = 2};

/* ---- From a filter to the way it is asked -------------------------------- */

static int add_member(pi__leaf *l, const pi__member *m, const pi_host *host,
                      pi_error *err) {
  uint64_t most = l->width < 8 ? (UINT64_C(1) << 8 * l->width) - 1 : UINT64_MAX;
  uint64_t first = m->first, last = m->last;
  bool known = true;
  switch (m->kind) {
  case PI__BLOCK: return pi__spans_add_block(&l->spans, &m->low, &m->high, err);
  case PI__EPHEMERAL:
    known = host->ephemeral_known;
    first = host->ephemeral_first;
    last = host->ephemeral_last;
    break;
  case PI__PRIVILEGED:
    known = host->unprivileged_known;
    if (known && host->unprivileged_start == 0) return 0;
    first = 0;
    last = host->unprivileged_start - 1;
    break;
  default: break;
  }
  if (!known) l->otherwise = PI__OPEN;
  if (!known || first > most) return 0;
  return pi__spans_add(&l->spans, first, last < most ? last : most, err);
}

static int add_reserved(pi__leaf *l, const pi_host *host, pi_error *err) {
  if (!host->reserved_known) {
    l->otherwise = PI__OPEN;
    return 0;
  }
  int rc = 0;
  for (unsigned port = 0; rc == 0 && port < 65536; port++) {
    if (!pi_host_reserves(host, (uint16_t)port)) continue;
    rc = pi__spans_add(&l->spans, port, port, err);
  }
  return rc;
}

static int add_members(pi__leaf *l, const pi_host *host, pi_error *err) {
  const pi_filter *f = l->filter;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < f->count; i++) {
    const pi__member *m = &f->members[i];
    rc = m->kind == PI__RESERVED ? add_reserved(l, host, err)
                                 : add_member(l, m, host, err);
  }
  pi__spans_settle(&l->spans);
  return rc;
}

/* A long set of ports, as a bit for each that there is. */
static int make_bits(pi__leaf *l, pi_error *err) {
  enum { BYTES = 65536 / 8 };
  l->way = PI__WAY_BITS;
  l->bits = pi__realloc(NULL, BYTES);
  if (l->bits == NULL) return pi__nomem(err);
  memset(l->bits, 0, BYTES);
  for (size_t i = 0; i < l->spans.count; i++) {
    const pi__span *span = &l->spans.list[i];
    for (uint64_t port = span->first.low; port <= span->last.low; port++) {
      l->bits[port / 8] |= (uint8_t)(1u << port % 8);
    }
  }
  pi__spans_deinit(&l->spans);
  return 0;
}

/* What is in a set, or for a yes/no field alone: yes. */
static int choose_spans(pi__leaf *l, const pi_host *host, pi_error *err) {
  const pi_filter *f = l->filter;
  int rc = 0;
  if (f->node == PI__NODE_IN) {
    l->otherwise = PI__NO;
    rc = add_members(l, host, err);
  } else if (pi_field_describe(f->field)->type == PI_TYPE_BOOL) {
    l->otherwise = PI__NO;
    rc = pi__spans_add(&l->spans, 1, UINT8_MAX, err);
  }
  if (rc != 0) return rc;
  l->narrow = l->width == 16 && pi__spans_narrow(&l->spans);
  size_t loops = l->spans.count, width = l->narrow ? 8 : l->width;
  l->way = loops > most_loops[width] ? PI__WAY_AMONG : PI__WAY_WITHIN;
  l->cost = l->way == PI__WAY_WITHIN ? loops * width : 0;
  return l->way == PI__WAY_AMONG && width == 2 ? make_bits(l, err) : 0;
}

/* Does it name ports that only a row's own namespace can tell? */
static bool hosts_differ(const pi__leaf *l, const pi_snapshot *s) {
  const pi_filter *f = l->filter;
  if (pi__one_host(s) || f->node != PI__NODE_IN) return false;
  for (size_t i = 0; i < f->count; i++) {
    unsigned kind = f->members[i].kind;
    if (kind == PI__EPHEMERAL || kind == PI__RESERVED ||
        kind == PI__PRIVILEGED) {
      return true;
    }
  }
  return false;
}

static int choose(pi__leaf *l, const pi_snapshot *s, pi_error *err) {
  const pi_filter *f = l->filter;
  const pi_field_info *info = pi_field_describe(f->field);
  const pi__column *column = &s->columns[f->field];
  l->otherwise = f->node == PI__NODE_ALL ? PI__YES : PI__OPEN;
  l->way = PI__WAY_FIXED;
  if (f->node == PI__NODE_ALL || !(s->groups & info->group)) return 0;
  l->otherwise = PI__YES;
  l->cells = column->cells;
  l->width = pi__width(f->field);
  l->sight = column->sight;
  bool named =
      f->field == PI_SERVICE || f->field == PI_USE || f->field == PI_RISK;
  if (named) l->sight = s->service_sight;
  if ((!named && l->cells == NULL) || hosts_differ(l, s)) {
    l->way = PI__WAY_ROW;
  } else if (f->node == PI__NODE_KNOWN) {
    l->way = l->sight == NULL ? PI__WAY_FIXED : PI__WAY_SEEN;
  } else if (named) {
    l->way = PI__WAY_NAME;
  } else if (info->type == PI_TYPE_TEXT) {
    l->way = PI__WAY_TEXT;
  } else {
    return choose_spans(l, &s->first.host, err);
  }
  return 0;
}

int pi__leaf_init(pi__leaf *l, const pi_snapshot *s, pi_error *err) {
  int rc = choose(l, s, err);
  l->cost += costs[l->way];
  return rc;
}

void pi__leaf_deinit(pi__leaf *l) {
  pi__spans_deinit(&l->spans);
  l->bits = pi__realloc(l->bits, 0);
}

/* ---- Asking -------------------------------------------------------------- */

static uint8_t ask(const pi__leaf *l, const pi__block *b, size_t row) {
  switch (pi_filter_test(l->filter, b->snapshot, row)) {
  case PI_FALSE: return PI__NO;
  case PI_TRUE: return PI__YES;
  default: return PI__OPEN;
  }
}

static void run_rows(const pi__leaf *l, const pi__block *b, const uint8_t *open,
                     uint8_t *levels) {
  for (size_t i = 0; i < b->n; i++) {
    if (open[i]) levels[i] = ask(l, b, b->first + i);
  }
}

/* What the answers of rows hang on: a text, or what the registry says of a port
 * and transport. Rows that are not asked have one subject together. */
static void find_subjects(const pi__leaf *l, pi__block *b,
                          const uint8_t *open) {
  const pi_snapshot *s = b->snapshot;
  if (l->way == PI__WAY_TEXT) {
    const uint32_t *texts = l->cells;
    memcpy(b->subjects, texts + b->first, b->n * sizeof *b->subjects);
  } else {
    const uint8_t *protos = s->columns[PI_PROTO].cells;
    pi__subject_facts(b->subjects, s->service_port + b->first,
                      protos + b->first, b->n);
  }
  pi__subject_keep(b->subjects, open, 1, b->n);
  if (l->sight == NULL) return;
  pi__subject_keep(b->subjects, l->sight + b->first, PI_KNOWN, b->n);
}

/* Asks once for each subject, as long as no other takes its place. */
static void run_memo(const pi__leaf *l, pi__block *b, const uint8_t *open,
                     uint8_t *levels) {
  const uint64_t number = (uint64_t)l->number << 32;
  const unsigned shift = b->memo_shift;
  uint64_t *memo = b->memo;
  find_subjects(l, b, open);
  for (size_t i = 0; i < b->n; i++) {
    uint64_t key = number | b->subjects[i];
    // Fibonacci hashing, as in pi__index_slot
    uint64_t *slot = &memo[(key * UINT64_C(0x9e3779b97f4a7c15)) >> shift];
    if (*slot >> 2 != key) *slot = key << 2 | ask(l, b, b->first + i);
    levels[i] = *slot & 3;
  }
}

static void run_within(const pi__leaf *l, const void *cells, size_t width,
                       uint8_t *levels, size_t n) {
  for (size_t i = 0; i < l->spans.count; i++) {
    const pi__span *span = &l->spans.list[i];
    switch (width) {
    case 1: pi__within_8(levels, cells, n, span); break;
    case 2: pi__within_16(levels, cells, n, span); break;
    case 4: pi__within_32(levels, cells, n, span); break;
    case 8: pi__within_64(levels, cells, n, span); break;
    default: pi__within_address(levels, cells, n, span);
    }
  }
}

static void run_among(const pi__leaf *l, const void *cells, size_t width,
                      uint8_t *levels, size_t n) {
  switch (width) {
  case 4: pi__among_32(levels, cells, n, &l->spans); break;
  case 8: pi__among_64(levels, cells, n, &l->spans); break;
  default: pi__among_addresses(levels, cells, n, &l->spans);
  }
}

static void run_cells(const pi__leaf *l, pi__block *b, uint8_t *levels) {
  const void *cells = (const char *)l->cells + b->first * l->width;
  size_t width = l->width;
  if (l->narrow) {
    pi__narrow(b->numbers, cells, b->n);
    cells = b->numbers;
    width = sizeof *b->numbers;
  }
  switch (l->way) {
  case PI__WAY_BITS: pi__within_bits(levels, cells, b->n, l->bits); break;
  case PI__WAY_AMONG: run_among(l, cells, width, levels, b->n); break;
  default: run_within(l, cells, width, levels, b->n);
  }
}

void pi__leaf_run(const pi__leaf *l, pi__block *b, const uint8_t *open,
                  uint8_t *levels) {
  const uint8_t *sight = l->sight == NULL ? NULL : l->sight + b->first;
  memset(levels, l->otherwise, b->n);
  switch (l->way) {
  case PI__WAY_FIXED: return;
  case PI__WAY_SEEN: pi__sight_known(levels, sight, b->n); return;
  case PI__WAY_ROW: run_rows(l, b, open, levels); return;
  case PI__WAY_TEXT:
  case PI__WAY_NAME: run_memo(l, b, open, levels); break;
  default: run_cells(l, b, levels);
  }
  if (sight != NULL) pi__sight_fold(levels, sight, b->n);
}
