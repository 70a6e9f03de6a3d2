/* suggest_test.c: the word that was probably meant. */
#include "test.h"

static const char *nearest(const char *word, const char *const *list,
                           size_t n) {
  return pi_nearest(word, strlen(word), list, n);
}

static const char *const words[] = {"listening", "established", "loopback",
                                    "tcp",       "udp",         "exposed"};

static void finds_a_word_with_one_slip(void **state) {
  (void)state;
  static const char *const slips[][2] = {
      {"listenin", "listening"},    // a letter missing
      {"listenning", "listening"},  // added
      {"lostening", "listening"},   // wrong
      {"lsitening", "listening"},   // exchanged
      {"tpc", "tcp"},
      {"tc", "tcp"},
      {"tcpp", "tcp"},
      {"LISTENNG", "listening"},
      {"Loopbak", "loopback"},
  };
  for (size_t i = 0; i < LENGTH(slips); i++) {
    const char *near = nearest(slips[i][0], words, LENGTH(words));
    assert_non_null(near);
    assert_string_equal(slips[i][1], near);
  }
}

static void finds_a_long_word_with_two_slips(void **state) {
  (void)state;
  assert_string_equal("established", nearest("estabilshd", words, 6));
  assert_string_equal("listening", nearest("litsenign", words, 6));
  assert_null(nearest("litsenngi", words, 1));
}

static void suggests_nothing_far_away(void **state) {
  (void)state;
  assert_null(nearest("sctp-tunnel", words, LENGTH(words)));
  assert_null(nearest("", words, LENGTH(words)));
  assert_null(nearest("x", words, LENGTH(words)));
  // two slips of three letters are another word
  assert_null(nearest("tx", words, LENGTH(words)));
  assert_null(nearest("ttt", words, LENGTH(words)));
  assert_null(nearest("tcp", words, 0));
}

static void counts_neighbours_exchanged_as_one_slip(void **state) {
  (void)state;
  static const char *const list[] = {"abd", "acb"};
  // abc: a wrong letter in the one, an exchange in the other; the first wins
  assert_string_equal("abd", nearest("abc", list, 2));
  assert_string_equal("acb", nearest("abc", list + 1, 1));
}

static void prefers_the_nearest_and_then_the_first(void **state) {
  (void)state;
  static const char *const list[] = {"stated", "states", "state"};
  assert_string_equal("state", nearest("state", list, 3));
  assert_string_equal("stated", nearest("stateq", list, 3));
  assert_string_equal("states", nearest("stattes", list, 3));
}

static void compares_what_its_tables_hold(void **state) {
  (void)state;
  char word[64], other[64];
  const char *list[] = {other};
  memset(word, 'a', sizeof word);
  memset(other, 'a', sizeof other);
  other[32] = '\0';
  assert_ptr_equal(other, pi_nearest(word, 32, list, 1));
  assert_ptr_equal(other, pi_nearest(word, 30, list, 1));
  assert_null(pi_nearest(word, 29, list, 1));
  assert_null(pi_nearest(word, 33, list, 1));
  assert_null(pi_nearest(word, 64, list, 1));
  other[32] = 'a';
  other[33] = '\0';
  assert_null(pi_nearest(word, 32, list, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_a_word_with_one_slip),
      cmocka_unit_test(finds_a_long_word_with_two_slips),
      cmocka_unit_test(suggests_nothing_far_away),
      cmocka_unit_test(counts_neighbours_exchanged_as_one_slip),
      cmocka_unit_test(prefers_the_nearest_and_then_the_first),
      cmocka_unit_test(compares_what_its_tables_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
