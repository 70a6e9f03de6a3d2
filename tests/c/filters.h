/* filters.h: filters in few words, for tests. A combination takes its operands.
 */
#ifndef PI_TESTS_FILTERS_H
#define PI_TESTS_FILTERS_H

#include "test.h"

static inline pi_filter *word(const char *text) {
  pi_filter *f = NULL;
  pi_error err = {0};
  if (pi_filter_parse(text, strlen(text), &f, &err) != 0) {
    fail_msg("%s: %s", text, err.text);
  }
  return f;
}

static inline pi_operand text_operand(const char *text) {
  return (pi_operand){
      .kind = PI_OPERAND_TEXT, .text = text, .length = strlen(text)};
}

static inline pi_filter *is(pi_field field, const char *value) {
  pi_filter *f = NULL;
  pi_error err = {0};
  pi_operand o = text_operand(value);
  if (pi_filter_in(field, &o, 1, &f, &err) != 0) fail_msg("%s", err.text);
  return f;
}

static inline pi_filter * not(pi_filter * a) {
  pi_filter *f = NULL;
  assert_int_equal(0, pi_filter_not(a, &f, NULL));
  return f;
}

static inline pi_filter *both(pi_filter *a, pi_filter *b) {
  pi_filter *f = NULL;
  assert_int_equal(0, pi_filter_and(a, b, &f, NULL));
  return f;
}

static inline pi_filter *either(pi_filter *a, pi_filter *b) {
  pi_filter *f = NULL;
  assert_int_equal(0, pi_filter_or(a, b, &f, NULL));
  return f;
}

static inline pi_truth test(pi_filter *f, const pi_snapshot *s, size_t row) {
  pi_truth t = pi_filter_test(f, s, row);
  pi_filter_free(f);
  return t;
}

/* Is the field of this row the value, for sure or surely not? */
static inline void assert_is(const pi_snapshot *s, size_t row, pi_field field,
                             const char *value, bool wanted) {
  pi_truth t = test(is(field, value), s, row);
  if (t != (wanted ? PI_TRUE : PI_FALSE)) {
    fail_msg("%s = %s is %d", pi_field_describe(field)->name, value, t);
  }
}

#endif
