/* fuzz.h: what every fuzzer starts with. */
#ifndef PI_TESTS_FUZZ_H
#define PI_TESTS_FUZZ_H

#include "../c/test.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A claim that fails is a crash to the fuzzer, with a trace. */
static inline void must(bool holds) {
  if (!holds) abort();
}

/* What is left of an input. */
typedef struct input {
  const uint8_t *at;
  size_t left;
} input;

/* The next byte, 0 behind the end. */
static inline uint8_t take_byte(input *in) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++;
}

/* A copy that ends where its bytes do, so that a read past the end is met. To
 * be freed. */
static inline char *copy_of(const void *bytes, size_t length) {
  char *copy = malloc(length > 0 ? length : 1);
  must(copy != NULL);
  if (length > 0) memcpy(copy, bytes, length);
  return copy;
}

/* The same with a NUL behind it. */
static inline char *text_of_bytes(const void *bytes, size_t length) {
  char *copy = malloc(length + 1);
  must(copy != NULL);
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = '\0';
  return copy;
}

#endif
