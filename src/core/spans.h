/* spans.h: sets of numbers and of addresses, as runs in order. */
#ifndef PI_CORE_SPANS_H
#define PI_CORE_SPANS_H

#include "collect.h"

/* Numbers wide enough for an address of IPv6; others have `high` 0. */
typedef struct pi__wide {
  uint64_t high, low;
} pi__wide;

typedef struct pi__span {
  pi__wide first, last; /* inclusive */
} pi__span;

typedef struct pi__spans {
  pi__span *list;
  size_t count, capacity;
} pi__spans;

static inline bool pi__wide_less(pi__wide a, pi__wide b) {
  bool less = a.low < b.low, same = a.high == b.high;
  return (int)(a.high < b.high) | ((int)same & (int)less);  // no branches
}

/* Wraps around below 0. */
static inline pi__wide pi__wide_minus(pi__wide a, pi__wide b) {
  return (pi__wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static inline uint64_t pi__big_endian(const uint8_t *b) {
  return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 | (uint64_t)b[2] << 40 |
         (uint64_t)b[3] << 32 | (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 |
         (uint64_t)b[6] << 8 | (uint64_t)b[7];
}

static inline pi__wide pi__wide_of(const pi_address *a) {
  return (pi__wide){pi__big_endian(a->bytes), pi__big_endian(a->bytes + 8)};
}

/* Adds numbers, or nothing if they run backwards. `spans` starts as all zero
 * and is ended by _deinit. */
int pi__spans_add(pi__spans *spans, uint64_t first, uint64_t last,
                  pi_error *err);
void pi__spans_deinit(pi__spans *spans);

/* Adds the addresses from `low` to `high` that are of the family of `low`: IPv4
 * is mapped into IPv6, and no part of it. */
int pi__spans_add_block(pi__spans *spans, const pi_address *low,
                        const pi_address *high, pi_error *err);

/* Once all are added: puts them in order and joins those that touch. */
void pi__spans_settle(pi__spans *spans);

/* Are all numbers in it, once settled, below UINT64_MAX? */
bool pi__spans_narrow(const pi__spans *spans);

#endif
