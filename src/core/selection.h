/* selection.h: what a selection is made of. */
#ifndef PI_CORE_SELECTION_H
#define PI_CORE_SELECTION_H

#include "snapshot.h"

struct pi_selection {
  uint32_t *rows;
  size_t count, capacity;
  uint32_t *undecided;
  size_t undecided_count, undecided_capacity;
  uint32_t *tallies; /* how many rows each stands for; NULL: one */
};

#endif
