/* test.h: what every test program in C starts with. */
#ifndef PI_TESTS_TEST_H
#define PI_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portinfo.h"

enum { MANY = 256 };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* The address that a text means; the test fails if it means none. */
static inline pi_address address_of(const char *text) {
  pi_address a;
  assert_true(pi_address_parse(text, strlen(text), &a));
  return a;
}

/* Does `text` hold `part`? Says both if not. */
static inline void assert_says(const char *text, const char *part) {
  if (strstr(text, part) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", text, part);
  }
}

/* Ends a test that cannot be had here, saying why. */
#define skip_because(...)                                                      \
  do {                                                                         \
    print_message("           ");                                              \
    print_message(__VA_ARGS__);                                                \
    print_message("\n");                                                       \
    skip();                                                                    \
  } while (0)

/* Numbers that look random and are the same in every run (xorshift64*). */
static inline uint64_t next_number(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
