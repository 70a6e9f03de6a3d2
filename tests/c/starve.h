/* starve.h: a heap that ends. The program's own pi__realloc keeps the archive's
 * out; it gives `starve.left` blocks and then none, or all but one, moves every
 * block that grows, and counts those alive. */
#ifndef PI_TESTS_STARVE_H
#define PI_TESTS_STARVE_H

#include "test.h"

#include <stdatomic.h>

#include "core/collect.h"

static struct {
  atomic_long left;
  bool alone; /* one is refused, and the next is there again */
  atomic_long alive;
  atomic_long asked; /* how often somebody was refused */
} starve;

enum { STARVE_NEVER = 1 << 30 };

typedef union starve_head {
  size_t size;
  max_align_t align;
} starve_head;

static inline void *starve_resize(void *block, size_t size) {
  starve_head *old = block == NULL ? NULL : (starve_head *)block - 1;
  if (size == 0) {
    if (old != NULL) atomic_fetch_sub(&starve.alive, 1);
    free(old);
    return NULL;
  }
  long left = atomic_fetch_sub(&starve.left, 1);
  if (left == 0 || (left < 0 && !starve.alone)) {
    atomic_fetch_add(&starve.asked, 1);
    return NULL;
  }
  starve_head *grown = malloc(sizeof *grown + size);
  if (grown == NULL) abort();
  grown->size = size;
  if (old == NULL) {
    atomic_fetch_add(&starve.alive, 1);
    return grown + 1;
  }
  memcpy(grown + 1, old + 1, old->size < size ? old->size : size);
  free(old);
  return grown + 1;
}

void *pi__realloc(void *block, size_t size) {
  return starve_resize(block, size);
}

#endif
