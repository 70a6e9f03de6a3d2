/* sieve.h: a filter made ready for one snapshot, to be asked of many rows at
 * once. Says of each row what pi_filter_test says. */
#ifndef PI_CORE_SIEVE_H
#define PI_CORE_SIEVE_H

#include "kernel.h"

typedef struct pi__sieve pi__sieve;

/* Makes *ret, which borrows the filter and the snapshot. It is good until a
 * group is added to the snapshot. Release with pi__sieve_free. */
int pi__sieve_new(const pi_filter *filter, const pi_snapshot *snapshot,
                  pi__sieve **ret, pi_error *err);
void pi__sieve_free(pi__sieve *sieve);

/* The levels of the rows from `first` on, at most a block of them; borrowed
 * until the next call. */
const uint8_t *pi__sieve_levels(pi__sieve *sieve, size_t first, size_t n);

#endif
