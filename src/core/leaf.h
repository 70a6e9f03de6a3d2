/* leaf.h: one test of a filter, made ready for the columns of a snapshot. */
#ifndef PI_CORE_LEAF_H
#define PI_CORE_LEAF_H

#include "filter.h"
#include "kernel.h"
#include "snapshot.h"

/* How a leaf finds its levels, the cheap ways first. */
typedef enum pi__way {
  PI__WAY_FIXED,  /* the same for every row */
  PI__WAY_SEEN,   /* from the sight of the cells alone */
  PI__WAY_WITHIN, /* a loop for every span */
  PI__WAY_BITS,   /* a bit for every port */
  PI__WAY_AMONG,  /* a search among the spans */
  PI__WAY_TEXT,   /* asked once for each text of a column */
  PI__WAY_NAME,   /* once for each list of facts about ports, and transport */
  PI__WAY_ROW,    /* pi_filter_test */
} pi__way;

typedef struct pi__leaf {
  const pi_filter *filter;
  pi__way way;
  uint32_t number;      /* its own in the sieve, not 0 */
  unsigned long cost;   /* about, in tenths of a nanosecond a row */
  uint8_t otherwise;    /* the level of what is in no span */
  const void *cells;    /* of the column; NULL if it has none */
  size_t width;         /* of a cell */
  const uint8_t *sight; /* NULL: all known */
  pi__spans spans;
  bool narrow; /* addresses, but 64 bits tell those in question apart */
  uint8_t *bits;
} pi__leaf;

/* The block in work, and what the leaves share. */
typedef struct pi__block {
  const pi_snapshot *snapshot;
  size_t first, n; /* its rows; n is at most PI__BLOCK_ROWS */
  uint64_t *memo;  /* answers to _TEXT and _NAME; NULL: nobody asks */
  unsigned memo_shift;
  uint32_t subjects[PI__BLOCK_ROWS];
  uint64_t numbers[PI__BLOCK_ROWS];
} pi__block;

/* Makes ready a leaf that is all zero but for its filter and number, both
 * borrowed. Whatever it returns, _deinit ends it. */
int pi__leaf_init(pi__leaf *leaf, const pi_snapshot *snapshot, pi_error *err);
void pi__leaf_deinit(pi__leaf *leaf);

/* Sets the levels of the block where `open` is 1; elsewhere they may be any. */
void pi__leaf_run(const pi__leaf *leaf, pi__block *block, const uint8_t *open,
                  uint8_t *levels);

#endif
