/* error.c: errors as plain values, and growth that cannot overflow. */
#include "collect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int pi__fail(pi_error *err, int code, int os, const char *format, ...) {
  if (err == NULL) return code;
  err->code = code;
  err->os = os;
  err->at = err->length = 0;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(err->text, sizeof err->text, format, args);
  va_end(args);
  if (n < 0) err->text[0] = '\0';
  return code;
}

int pi__reserve(void *array, size_t *capacity, size_t need, size_t size,
                pi_error *err) {
  if (need <= *capacity) return 0;
  size_t grown = *capacity + *capacity / 2 + 16;
  if (grown < need) grown = need;
  if (grown > SIZE_MAX / size) return pi__nomem(err);
  void *block;
  memcpy(&block, array, sizeof block);  // any object pointer, whatever its type
  block = pi__realloc(block, grown * size);
  if (block == NULL) return pi__nomem(err);
  memcpy(array, &block, sizeof block);
  *capacity = grown;
  return 0;
}
