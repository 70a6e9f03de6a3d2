/* alloc.c: the one door to the heap. Nothing else is in this file, so that a
 * program which defines pi__realloc itself never links it. */
#include "collect.h"

#include <stdlib.h>

void *pi__realloc(void *block, size_t size) {
  if (size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, size);
}
