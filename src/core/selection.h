/* selection.h: what a selection is made of. */
#ifndef PI_CORE_SELECTION_H
#define PI_CORE_SELECTION_H

#include "snapshot.h"

typedef struct pi__row_list {
  uint32_t *rows;
  size_t count, capacity;
} pi__row_list;

struct pi_selection {
  pi__row_list sure, undecided; /* numbers of rows; undecided ones in order */
  uint32_t *tallies; /* how many each sure row stands for; NULL: one */
};

/* A selection without rows, and one more row for it. */
int pi__selection_new(pi_selection **ret, pi_error *err);
int pi__selection_add(pi_selection *selection, size_t row, pi_error *err);

#endif
