/* sieve.c: what a filter says of a block of rows. Each node of the tree fills
 * an array with one level a row. Of two sides of an `and` or `or` the cheap one
 * is asked first, and the dear one only of the rows that it left open.
 */
#include "sieve.h"
#include "leaf.h"

#include <stdlib.h>
#include <string.h>

typedef struct part {
  const pi_filter *filter;
  unsigned long cost;
  struct part *kids; /* as many as the filter has, by cost */
  pi__leaf leaf;     /* of a filter without kids */
} part;

struct pi__sieve {
  part *parts; /* the root first; kids of a part stand side by side */
  size_t part_count;
  uint8_t *arrays; /* pairs of levels and open rows, one for each depth */
  pi__block block;
};

/* ---- From a filter to parts ---------------------------------------------- */

static size_t count_nodes(const pi_filter *f) {
  size_t n = 1;
  for (size_t i = 0; i < f->kid_count; i++) n += count_nodes(f->kids[i]);
  return n;
}

/* The author's order decides between parts of one cost. */
static int by_cost(const void *a, const void *b) {
  const part *x = a, *y = b;
  if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
  return (x->leaf.number > y->leaf.number) - (x->leaf.number < y->leaf.number);
}

static int add_part(pi__sieve *v, part *p, const pi_filter *f, pi_error *err) {
  p->filter = p->leaf.filter = f;
  p->leaf.number = (uint32_t)(p - v->parts) + 1;
  if (f->kid_count == 0) {
    int rc = pi__leaf_init(&p->leaf, v->block.snapshot, err);
    p->cost = p->leaf.cost;
    return rc;
  }
  p->kids = v->parts + v->part_count;
  v->part_count += f->kid_count;
  for (size_t i = 0; i < f->kid_count; i++) {
    int rc = add_part(v, &p->kids[i], f->kids[i], err);
    if (rc != 0) return rc;
    p->cost += p->kids[i].cost;
  }
  qsort(p->kids, f->kid_count, sizeof *p->kids, by_cost);
  return 0;
}

static int make_parts(pi__sieve *v, const pi_filter *f, pi_error *err) {
  size_t nodes = count_nodes(f);
  v->parts = pi__realloc(NULL, nodes * sizeof *v->parts);
  if (v->parts == NULL) return pi__nomem(err);
  memset(v->parts, 0, nodes * sizeof *v->parts);
  v->part_count = 1;
  return add_part(v, v->parts, f, err);
}

static bool needs_memo(const pi__sieve *v) {
  for (size_t i = 0; i < v->part_count; i++) {
    pi__way way = v->parts[i].leaf.way;
    if (way == PI__WAY_TEXT || way == PI__WAY_NAME) return true;
  }
  return false;
}

/* Room for the answers of as many subjects as there are rows, within reason. */
static int make_memo(pi__block *b, pi_error *err) {
  unsigned bits = 6;
  while (bits < 16 && (size_t)1 << bits < b->snapshot->count) bits++;
  size_t size = sizeof *b->memo << bits;
  b->memo_shift = 64 - bits;
  b->memo = pi__realloc(NULL, size);
  if (b->memo == NULL) return pi__nomem(err);
  memset(b->memo, 0, size);
  return 0;
}

static int make_arrays(pi__sieve *v, const pi_filter *f, pi_error *err) {
  size_t pairs = (size_t)f->depth + 1;
  v->arrays = pi__realloc(NULL, pairs * 2 * PI__BLOCK_ROWS);
  return v->arrays != NULL ? 0 : pi__nomem(err);
}

int pi__sieve_new(const pi_filter *filter, const pi_snapshot *snapshot,
                  pi__sieve **ret, pi_error *err) {
  pi__sieve *v = pi__realloc(NULL, sizeof *v);
  if (v == NULL) return pi__nomem(err);
  memset(v, 0, sizeof *v);
  v->block.snapshot = snapshot;
  int rc = make_parts(v, filter, err);
  if (rc == 0 && needs_memo(v)) rc = make_memo(&v->block, err);
  if (rc == 0) rc = make_arrays(v, filter, err);
  if (rc != 0) {
    pi__sieve_free(v);
    return rc;
  }
  *ret = v;
  return 0;
}

void pi__sieve_free(pi__sieve *v) {
  if (v == NULL) return;
  for (size_t i = 0; i < v->part_count; i++) {
    pi__leaf_deinit(&v->parts[i].leaf);
  }
  pi__realloc(v->parts, 0);
  pi__realloc(v->arrays, 0);
  pi__realloc(v->block.memo, 0);
  pi__realloc(v, 0);
}

/* ---- Asking -------------------------------------------------------------- */

static void run(const part *p, pi__block *b, const uint8_t *open,
                uint8_t *levels);

/* And, or: what some kids have settled, the next is not asked. */
static void run_kids(const part *p, pi__block *b, const uint8_t *open,
                     uint8_t *levels) {
  bool all = p->filter->node == PI__NODE_AND;
  uint8_t settled = all ? PI__NO : PI__YES;
  uint8_t *next = levels + 2 * PI__BLOCK_ROWS, *still = next + PI__BLOCK_ROWS;
  run(&p->kids[0], b, open, levels);
  for (size_t i = 1; i < p->filter->kid_count; i++) {
    if (!pi__level_still(open, levels, settled, still, b->n)) return;
    run(&p->kids[i], b, still, next);
    (all ? pi__level_and : pi__level_or)(levels, next, b->n);
  }
}

/* Sets the levels where `open` is 1; elsewhere they may be any. Uses the pairs
 * of arrays behind the one that `levels` is in. */
static void run(const part *p, pi__block *b, const uint8_t *open,
                uint8_t *levels) {
  switch (p->filter->node) {
  case PI__NODE_AND:
  case PI__NODE_OR: run_kids(p, b, open, levels); break;
  case PI__NODE_NOT:
    run(&p->kids[0], b, open, levels);
    pi__level_not(levels, b->n);
    break;
  default: pi__leaf_run(&p->leaf, b, open, levels);
  }
}

const uint8_t *pi__sieve_levels(pi__sieve *v, size_t first, size_t n) {
  uint8_t *levels = v->arrays, *open = levels + PI__BLOCK_ROWS;
  v->block.first = first;
  v->block.n = n;
  memset(open, 1, n);
  run(v->parts, &v->block, open, levels);
  return levels;
}
