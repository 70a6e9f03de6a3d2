/* kernel.c: the loops that a large selection spends its time in. Written so
 * that a compiler makes them vectors: no branches, no calls, `restrict`. The
 * Makefile asks for that, as gcc 12 is shy of it at -O2. */
#include "kernel.h"
#include "../registry/registry.h"
#include "schema.h"

/* ---- Levels -------------------------------------------------------------- */

void pi__level_and(uint8_t *restrict a, const uint8_t *restrict b, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] = a[i] < b[i] ? a[i] : b[i];
}

void pi__level_or(uint8_t *restrict a, const uint8_t *restrict b, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
}

void pi__level_not(uint8_t *a, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] = (uint8_t)(PI__YES - a[i]);
}

bool pi__level_still(const uint8_t *restrict open,
                     const uint8_t *restrict levels, uint8_t settled,
                     uint8_t *restrict still, size_t n) {
  uint8_t any = 0;
  for (size_t i = 0; i < n; i++) {
    still[i] = open[i] & (levels[i] != settled);
    any |= still[i];
  }
  return any != 0;
}

size_t pi__level_count(const uint8_t *levels, size_t n, uint8_t level) {
  uint16_t count = 0;  // narrow: more of them fit into a vector
  for (size_t i = 0; i < n; i++)
    count = (uint16_t)(count + (levels[i] == level));
  return count;
}

size_t pi__level_rows(const uint8_t *levels, size_t n, uint8_t level,
                      uint32_t first, uint32_t *rows) {
  uint32_t *at = rows;
  for (size_t i = 0; i < n; i++) {
    *at = first + (uint32_t)i;  // overwritten by the next, unless it counts
    at += levels[i] == level;
  }
  return (size_t)(at - rows);
}

/* ---- Sight --------------------------------------------------------------- */

void pi__sight_fold(uint8_t *restrict levels, const uint8_t *restrict sight,
                    size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint8_t unseen = sight[i] == PI_UNKNOWN ? PI__OPEN : PI__NO;
    levels[i] = sight[i] == PI_KNOWN ? levels[i] : unseen;
  }
}

void pi__sight_known(uint8_t *restrict levels, const uint8_t *restrict sight,
                     size_t n) {
  for (size_t i = 0; i < n; i++) {
    levels[i] = sight[i] == PI_UNKNOWN ? PI__NO : PI__YES;
  }
}

/* ---- Cells in sets ------------------------------------------------------- */

/* The level of a cell that lies inside, or what it was. A compiler that is
 * shown a choice may well branch on it, and rows come in no order to be
 * guessed. */
static inline uint8_t raise(uint8_t level, bool inside) {
  uint8_t mask = (uint8_t)-inside;
  return (uint8_t)((level & ~mask) | (PI__YES & mask));
}

/* One comparison for two bounds: what lies below the first wraps around. */
#define WITHIN(name, cell)                                                     \
  void name(uint8_t *restrict levels, const cell *restrict cells, size_t n,    \
            const pi__span *span) {                                            \
    cell first = (cell)span->first.low;                                        \
    cell reach = (cell)(span->last.low - span->first.low);                     \
    for (size_t i = 0; i < n; i++) {                                           \
      levels[i] = raise(levels[i], (cell)(cells[i] - first) <= reach);         \
    }                                                                          \
  }

WITHIN(pi__within_8, uint8_t)
WITHIN(pi__within_16, uint16_t)
WITHIN(pi__within_32, uint32_t)
WITHIN(pi__within_64, uint64_t)

void pi__within_address(uint8_t *restrict levels,
                        const pi_address *restrict cells, size_t n,
                        const pi__span *span) {
  pi__wide first = span->first, reach = pi__wide_minus(span->last, first);
  for (size_t i = 0; i < n; i++) {
    pi__wide from = pi__wide_minus(pi__wide_of(&cells[i]), first);
    levels[i] = raise(levels[i], !pi__wide_less(reach, from));
  }
}

void pi__within_bits(uint8_t *restrict levels, const uint16_t *restrict cells,
                     size_t n, const uint8_t *restrict bits) {
  for (size_t i = 0; i < n; i++) {
    levels[i] = raise(levels[i], bits[cells[i] / 8] >> (cells[i] % 8) & 1);
  }
}

/* The last span that does not begin behind x, or the first. */
static inline const pi__span *nearest(const pi__spans *spans, pi__wide x) {
  const pi__span *span = spans->list;
  for (size_t count = spans->count; count > 1;) {
    size_t half = count / 2;
    span += half & ~-(size_t)pi__wide_less(x, span[half].first);
    count -= half;
  }
  return span;
}

/* The same where all numbers are narrow. */
static inline const pi__span *nearest_64(const pi__spans *spans, uint64_t x) {
  const pi__span *span = spans->list;
  for (size_t count = spans->count; count > 1;) {
    size_t half = count / 2;
    span += half & ~-(size_t)(x < span[half].first.low);
    count -= half;
  }
  return span;
}

#define AMONG(name, cell)                                                      \
  void name(uint8_t *restrict levels, const cell *restrict cells, size_t n,    \
            const pi__spans *spans) {                                          \
    for (size_t i = 0; i < n; i++) {                                           \
      const pi__span *span = nearest_64(spans, cells[i]);                      \
      uint64_t reach = span->last.low - span->first.low;                       \
      levels[i] = raise(levels[i], cells[i] - span->first.low <= reach);       \
    }                                                                          \
  }

AMONG(pi__among_32, uint32_t)
AMONG(pi__among_64, uint64_t)

void pi__among_addresses(uint8_t *restrict levels,
                         const pi_address *restrict cells, size_t n,
                         const pi__spans *spans) {
  for (size_t i = 0; i < n; i++) {
    pi__wide x = pi__wide_of(&cells[i]);
    const pi__span *span = nearest(spans, x);
    pi__wide from = pi__wide_minus(x, span->first);
    pi__wide reach = pi__wide_minus(span->last, span->first);
    levels[i] = raise(levels[i], !pi__wide_less(reach, from));
  }
}

void pi__narrow(uint64_t *restrict numbers, const pi_address *restrict cells,
                size_t n) {
  for (size_t i = 0; i < n; i++) {
    pi__wide x = pi__wide_of(&cells[i]);
    numbers[i] = x.low | -(uint64_t)(x.high != 0);
  }
}

/* ---- Subjects ------------------------------------------------------------ */

void pi__subject_facts(uint32_t *restrict subjects,
                       const uint16_t *restrict ports,
                       const uint8_t *restrict protos, size_t n) {
  for (size_t i = 0; i < n; i++) {
    subjects[i] = (uint32_t)pi__port_facts[ports[i]] << 4 |
                  pi__transport((pi_proto)protos[i]);
  }
}

void pi__subject_keep(uint32_t *restrict subjects,
                      const uint8_t *restrict bytes, uint8_t wanted, size_t n) {
  for (size_t i = 0; i < n; i++) {
    subjects[i] = bytes[i] == wanted ? subjects[i] : UINT32_MAX;
  }
}
