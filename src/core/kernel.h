/* kernel.h: loops over a block of rows, an array in and an array out. They know
 * cells and sets, and nothing of filters or snapshots.
 *
 * What is said of a row is a level: ordered so that Kleene's `and` is the least
 * of two, `or` the greatest, and `not` the distance from the top.
 */
#ifndef PI_CORE_KERNEL_H
#define PI_CORE_KERNEL_H

#include "spans.h"

enum {
  PI__NO,   /* false */
  PI__OPEN, /* undecided */
  PI__YES,  /* true */
};

/* Rows of a block: few enough for its arrays to stay in the nearest cache. */
enum { PI__BLOCK_ROWS = 1024 };

/* ---- Levels -------------------------------------------------------------- */

void pi__level_and(uint8_t *restrict a, const uint8_t *restrict b, size_t n);
void pi__level_or(uint8_t *restrict a, const uint8_t *restrict b, size_t n);
void pi__level_not(uint8_t *a, size_t n);

/* still[i] is 1 where open[i] is and levels[i] is not `settled`. Is any? */
bool pi__level_still(const uint8_t *restrict open,
                     const uint8_t *restrict levels, uint8_t settled,
                     uint8_t *restrict still, size_t n);

/* How many of them are `level`; at most a block. */
size_t pi__level_count(const uint8_t *levels, size_t n, uint8_t level);

/* Appends first + i for every i where levels[i] is `level`. There must be room
 * for one number more. Returns how many. */
size_t pi__level_rows(const uint8_t *levels, size_t n, uint8_t level,
                      uint32_t first, uint32_t *rows);

/* ---- Sight --------------------------------------------------------------- */

/* Where there is no value, the test says no; where it was not seen, nothing. */
void pi__sight_fold(uint8_t *restrict levels, const uint8_t *restrict sight,
                    size_t n);

/* Was it seen that there is a value, or none? */
void pi__sight_known(uint8_t *restrict levels, const uint8_t *restrict sight,
                     size_t n);

/* ---- Cells in sets ------------------------------------------------------- */

/* Raises to PI__YES the levels of cells that lie in the span, which must fit
 * the width of a cell. */
void pi__within_8(uint8_t *restrict levels, const uint8_t *restrict cells,
                  size_t n, const pi__span *span);
void pi__within_16(uint8_t *restrict levels, const uint16_t *restrict cells,
                   size_t n, const pi__span *span);
void pi__within_32(uint8_t *restrict levels, const uint32_t *restrict cells,
                   size_t n, const pi__span *span);

void pi__within_64(uint8_t *restrict levels, const uint64_t *restrict cells,
                   size_t n, const pi__span *span);
void pi__within_address(uint8_t *restrict levels,
                        const pi_address *restrict cells, size_t n,
                        const pi__span *span);

/* Raises the levels of ports in a set of 65536 bits, port p at bits[p / 8]. */
void pi__within_bits(uint8_t *restrict levels, const uint16_t *restrict cells,
                     size_t n, const uint8_t *restrict bits);

/* Raises the levels of cells that lie in any of the settled spans; there must
 * be one. */
void pi__among_32(uint8_t *restrict levels, const uint32_t *restrict cells,
                  size_t n, const pi__spans *spans);
void pi__among_64(uint8_t *restrict levels, const uint64_t *restrict cells,
                  size_t n, const pi__spans *spans);
void pi__among_addresses(uint8_t *restrict levels,
                         const pi_address *restrict cells, size_t n,
                         const pi__spans *spans);

/* Addresses as numbers of 64 bits, as all of IPv4 can be: their low halves, and
 * UINT64_MAX where the high one is not zero. */
void pi__narrow(uint64_t *restrict numbers, const pi_address *restrict cells,
                size_t n);

/* ---- Subjects ------------------------------------------------------------ */

/* A number for what the registry says of each port and transport: where it is
 * the same, so are names, uses and risks. */
void pi__subject_facts(uint32_t *restrict subjects,
                       const uint16_t *restrict ports,
                       const uint8_t *restrict protos, size_t n);

/* Where bytes[i] is not `wanted`: UINT32_MAX, which is no other subject. */
void pi__subject_keep(uint32_t *restrict subjects,
                      const uint8_t *restrict bytes, uint8_t wanted, size_t n);

#endif
